"""Rotary position embedding by complex numbers, in a third of the time: the definition is `rope.py`.

A pair (even, odd) is the number `even + i odd`, and to turn it by an angle is to multiply it with
`cos angle + i sin angle` (Su et al. 2021, arXiv:2104.09864, section 3.2.1).
"""

import torch
from einops import rearrange
from jaxtyping import Complex, Float, Int
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32
from cs336_basics.functional.rope import rope


def complex_rope(
    x: Float[Tensor, "... seq d_head"],
    cos: Float[Tensor, "max_seq_len pairs"],
    sin: Float[Tensor, "max_seq_len pairs"],
    token_positions: Int[Tensor, "... seq"],
) -> Float[Tensor, "... seq d_head"]:
    """Return `rope(x, cos, sin, token_positions)`: read one pair of numbers, write one.

    Compilers make the same of the definition and nothing of complex numbers, and not every Apple GPU has
    them, so there it is computed as defined.

    Shapes: x (... seq d_head), cos (max_seq_len pairs), sin (max_seq_len pairs), token_positions (... seq)
    -> (... seq d_head)
    """
    if torch.compiler.is_compiling() or x.device.type == "mps":
        return rope(x, cos, sin, token_positions)
    pairs = rearrange(at_least_float32(x), "... seq (pairs two) -> ... seq pairs two", two=2)
    turns = torch.complex(cos[token_positions], sin[token_positions])
    rotated = as_complex(pairs) * turns
    return rearrange(torch.view_as_real(rotated), "... seq pairs two -> ... seq (pairs two)").to(x.dtype)


def as_complex(pairs: Float[Tensor, "... 2"]) -> Complex[Tensor, "..."]:
    """Return each pair as a complex number in the same memory, or in other where that cannot be.

    Example: a view whose rows lie an odd number of entries apart.
    """
    *strides, last_stride = pairs.stride()
    is_aligned = pairs.storage_offset() % 2 == 0 and all(stride % 2 == 0 for stride in strides)
    if last_stride != 1 or not is_aligned:
        pairs = pairs.clone(memory_format=torch.contiguous_format)
    return torch.view_as_complex(pairs)
