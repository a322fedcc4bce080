"""RoPE turns pairs of features: neighbours here, as in the paper; in Hugging Face's Llama k and k + d_head/2.

The rows of the query and key projections make these features, so their order is all that differs: scores sum
over all features of a head and do not ask for it. Values are not rotated.
"""

from einops import rearrange
from jaxtyping import Shaped
from torch import Tensor

NEIGHBOURS, HALVES = "(heads pairs two) d_model", "(heads two pairs) d_model"


def halves_to_neighbours(
    rows: Shaped[Tensor, "d_heads d_model"], num_heads: int
) -> Shaped[Tensor, "d_heads d_model"]:
    """Reorder the rows of a projection from Hugging Face's pairs to ours: 0 3 1 4 2 5 -> 0 1 2 3 4 5."""
    return rearrange(rows, f"{HALVES} -> {NEIGHBOURS}", heads=num_heads, two=2)


def neighbours_to_halves(
    rows: Shaped[Tensor, "d_heads d_model"], num_heads: int
) -> Shaped[Tensor, "d_heads d_model"]:
    """Undo `halves_to_neighbours`."""
    return rearrange(rows, f"{NEIGHBOURS} -> {HALVES}", heads=num_heads, two=2)
