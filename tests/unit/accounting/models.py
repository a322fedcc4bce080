"""Models whose axes are all different primes (or their products), and the forms that a step can take."""

import itertools

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
