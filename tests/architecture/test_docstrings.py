"""What an editor shows when the mouse rests on a public name: its formula, and the shapes of its tensors.

Editors show `Float[Tensor, "... seq d_model"]` as `Tensor`, so the docstrings repeat the shapes, in a
paragraph that begins with "Shapes:" and which this test holds against the annotations.
"""

import inspect
import re
import types
import typing

import pytest
from torch import nn

import cs336_basics

FORMULAS = {
    "AdamW": "p <- p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)",
    "Embedding": "`weight[ids]`",
    "EvaluationResult": "`loss = total_nats / num_tokens`",
    "Linear": "`y = W x`",
    "MultiHeadSelfAttention": "head = softmax(q k^T / sqrt(d_head) + causal mask) v",
    "Muon": "O <- orthogonalize(G + momentum * M)",
    "RMSNorm": "`x / sqrt(mean(x^2) + eps) * gain`",
    "SGD": "`p <- p - lr / sqrt(t + 1) * grad`",
    "SwiGLU": "`w2(silu(w1 x) * w3 x)`",
    "TransformerBlock": "x <- x + attn(ln1(x))",
    "TransformerLM": "`logits = lm_head(ln_final(x))`",
    "chunked_causal_attention": "`softmax(q k^T / sqrt(d_head)) v`",
    "chunked_cross_entropy": "`cross_entropy(hidden @ head_weight.T, targets)`",
    "clip_gradients": "`max_l2_norm / (norm + eps)`",
    "constant_schedule": "`min(1, step / warmup_steps) * learning_rate`",
    "cosine_schedule": "lowest + (1 + cos(pi * (it - w) / (c - w))) / 2 * (highest - lowest)",
    "cross_entropy": "`-log softmax(logits)[target]`",
    "evaluate": "`-log p(token)`",
    "get_batch": "`dataset[s + 1 : s + context_length + 1]`",
    "perplexity": "`exp(mean_loss)`",
    "rope": "`(even cos - odd sin, even sin + odd cos)`",
    "rope_frequencies": "`1 / theta ** (2k / d_head)`",
    "rope_tables": "`p / theta ** (2k / d_head)`",
    "scaled_dot_product_attention": "`softmax(q k^T / sqrt(d_head)) v`",
    "silu": "`x * sigmoid(x)`",
    "softmax": "`exp(x_i) / sum_j exp(x_j)`",
    "wsd_schedule": "falling = lowest + min(1, (e - step) / d) * (highest - lowest)",
}
NO_MATHEMATICS = {
    "KeyValueCache", "ModelConfig", "Tokenizer", "generate", "load_checkpoint", "save_checkpoint",
    "stream_tokens", "train_bpe",
}  # fmt: skip


def shapes(annotation: object) -> str | None:
    """Write the shapes of an annotation: `Float[Tensor, "a b"]` gives "(a b)", a pair "(a b) and (c)"."""
    if isinstance(annotation, type) and hasattr(annotation, "dim_str"):
        return f"({annotation.dim_str})"
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) in (tuple, typing.Union):
        parts = [part for part in typing.get_args(annotation) if part is not types.NoneType]
        written = [shapes(part) for part in parts]
        return " and ".join(part for part in written if part is not None) or None
    return None


def annotated_shapes(name: str) -> str:
    """Return what the annotations say about a function, or about the `forward` of a module."""
    found = getattr(cs336_basics, name)
    is_module = inspect.isclass(found) and issubclass(found, nn.Module)
    hints = typing.get_type_hints(vars(found)["forward"] if is_module else found)
    result = shapes(hints.pop("return", None))
    tensors = [f"{parameter} {shapes(hint)}" for parameter, hint in hints.items() if shapes(hint)]
    return " ".join([", ".join(tensors), f"-> {result}"]).strip() if tensors or result else ""


def documented_shapes(name: str) -> str:
    """Return the paragraph about shapes, on one line."""
    found = re.search(
        r"^Shapes: (.*?)(?:\n\n|\Z)", inspect.getdoc(getattr(cs336_basics, name)) or "", re.M | re.S
    )
    return " ".join(found[1].split()) if found else ""


def test_every_public_name_is_known_to_have_a_formula_or_to_need_none():
    assert FORMULAS.keys() | NO_MATHEMATICS == set(cs336_basics.__all__)


@pytest.mark.parametrize("name", FORMULAS)
def test_docstring_has_the_formula(name):
    assert FORMULAS[name] in (getattr(cs336_basics, name).__doc__ or "")


@pytest.mark.parametrize("name", cs336_basics.__all__)
def test_docstring_has_the_shapes_of_the_annotations(name):
    assert documented_shapes(name) == annotated_shapes(name)


def test_shapes_are_found_in_annotations():
    expected = "q (... queries d_head), k (... keys d_head), v (... keys d_value), mask (... queries keys)"
    assert annotated_shapes("scaled_dot_product_attention") == f"{expected} -> (... queries d_value)"
    assert annotated_shapes("rope_tables") == "-> (max_seq_len pairs) and (max_seq_len pairs)"
    assert annotated_shapes("cosine_schedule") == ""
