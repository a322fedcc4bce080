"""Models whose axes are all different primes (or their products), and the forms that a step can take."""

import itertools
from dataclasses import replace

from cs336_basics.nn.config import ModelConfig

ODD = ModelConfig(vocab_size=101, context_length=11, d_model=28, num_layers=3, num_heads=2, d_ff=13)
GROUPED = ModelConfig(
    vocab_size=101,
    context_length=11,
    d_model=28,
    num_layers=3,
    num_heads=6,
    num_kv_heads=2,
    d_head=10,
    d_ff=13,
    rope_scaling="llama3",
    norm_eps=0.1,
)
ATTENTION_FORMS = ("reference", "chunked", "sdpa")
FORMS = list(itertools.product(ATTENTION_FORMS, ("plain", "chunked"), ("fp32", "bf16")))
"""(attention, loss, precision)"""

VARIANTS = {
    "post-norm": replace(ODD, norm="post"),
    "no norm": replace(ODD, norm="none"),
    "no positions": replace(ODD, position="none"),
    "silu": replace(ODD, ffn="silu"),
    "relu2": replace(ODD, ffn="relu2"),
    "qk-norm": replace(ODD, qk_norm=True),
    "tied": replace(ODD, tie_embeddings=True),
    "softcap": replace(ODD, logit_softcap=5.0),
    "tied, softcap": replace(ODD, tie_embeddings=True, logit_softcap=5.0),
    "no norm, no positions, silu": replace(ODD, norm="none", position="none", ffn="silu"),
    "qk-norm, no positions": replace(ODD, qk_norm=True, position="none"),
    "one head of keys": replace(GROUPED, num_kv_heads=1),
    "one head of keys, qk-norm, no positions": replace(
        GROUPED, num_kv_heads=1, qk_norm=True, position="none"
    ),
    "grouped, qk-norm": replace(GROUPED, qk_norm=True),
    "grouped, no positions": replace(GROUPED, position="none"),
    "grouped, qk-norm, no positions": replace(GROUPED, qk_norm=True, position="none"),
    "everything": replace(
        ODD,
        norm="post",
        position="none",
        ffn="relu2",
        qk_norm=True,
        tie_embeddings=True,
        logit_softcap=5.0,
        zero_init_outputs=True,
        init="orthogonal",
    ),
}
FORMS_OF_VARIANTS = [
    ("reference", "plain", "fp32"),
    ("chunked", "chunked", "bf16"),
    ("sdpa", "chunked", "fp32"),
    ("sdpa", "plain", "bf16"),
]
