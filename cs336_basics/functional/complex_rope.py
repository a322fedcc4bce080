"""Rotary position embedding by complex numbers, in a third of the time: the definition is `rope.py`.

A pair (even, odd) is the number `even + i odd`, and to turn it by an angle is to multiply it with
`cos angle + i sin angle` (Su et al. 2021, arXiv:2104.09864, section 3.2.1).
"""

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32


def complex_rope(
    x: Float[Tensor, "... seq d_head"],
    cos: Float[Tensor, "max_seq_len pairs"],
    sin: Float[Tensor, "max_seq_len pairs"],
    token_positions: Int[Tensor, "... seq"],
) -> Float[Tensor, "... seq d_head"]:
    """Return `rope(x, cos, sin, token_positions)`: read one pair of numbers, write one.

    Shapes: x (... seq d_head), cos (max_seq_len pairs), sin (max_seq_len pairs), token_positions (... seq)
    -> (... seq d_head)
    """
    return turn_pairs(x, turns_at(token_positions, cos, sin))


def turns_at(
    token_positions: Int[Tensor, "..."],
    cos: Float[Tensor, "max_seq_len pairs"],
    sin: Float[Tensor, "max_seq_len pairs"],
) -> Float[Tensor, "... pairs 2"]:
    """Return the numbers `cos + i sin` by which the pairs turn at each position, as pairs (cos, sin)."""
    return torch.stack((cos[token_positions], sin[token_positions]), dim=-1)


def turn_pairs(
    x: Float[Tensor, "... d_head"], turns: Float[Tensor, "... pairs 2"]
) -> Float[Tensor, "... d_head"]:
    """Multiply each pair of features with its number, in float32 or better.

    Compilers make nothing of complex numbers, and not every Apple GPU has them: there the product
    `(even + i odd) (cos + i sin)` is written out, as in `rope`.
    """
    pairs = at_least_float32(x).unflatten(-1, (-1, 2))  # not einops: a new token has little else to wait for
    if torch.compiler.is_compiling() or x.device.type == "mps":
        (even, odd), (cos, sin) = pairs.unbind(-1), turns.unbind(-1)
        turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    else:
        turned = torch.view_as_real(as_complex(pairs) * torch.view_as_complex(turns))
    return turned.flatten(-2).to(x.dtype)


def as_complex(pairs: Float[Tensor, "... 2"]) -> Complex[Tensor, "..."]:
    """Return each pair as a complex number in the same memory, or in other where that cannot be.

    Example: a view whose rows lie an odd number of entries apart.
    """
    *strides, last_stride = pairs.stride()
    is_aligned = pairs.storage_offset() % 2 == 0 and all(stride % 2 == 0 for stride in strides)
    if last_stride != 1 or not is_aligned:
        pairs = pairs.clone(memory_format=torch.contiguous_format)
    return torch.view_as_complex(pairs)
