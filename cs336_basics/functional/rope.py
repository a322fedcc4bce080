"""Rotary position embedding: a query or key is rotated by an angle that grows with its position.

Source: Su et al. 2021, "RoFormer", arXiv:2104.09864, section 3.4.2. Pairing: feature 2k turns with feature
2k + 1 (adjacent pairs, as in the paper); Hugging Face's Llama pairs k with k + d_head/2 instead.
"""

import torch
from einops import einsum, rearrange
from jaxtyping import Float, Int
from torch import Tensor


def rope_frequencies(
    d_head: int, theta: float = 10000.0, *, device: torch.device | str | None = None
) -> Float[Tensor, "pairs"]:
    """Return the angle, in radians, by which each pair turns from one position to the next.

    Pair k of d_head/2 turns by `1 / theta ** (2k / d_head)`: the first fastest, by one radian.

    Shapes: -> (pairs)
    """
    if d_head % 2 != 0:
        raise ValueError(f"RoPE rotates pairs, so the size of a head must be even, but it is {d_head}")
    # On the CPU and in float32, as published models do: far positions multiply the last bit.
    exponents = torch.arange(0, d_head, 2, dtype=torch.float32, device="cpu") / d_head
    frequencies = 1.0 / theta**exponents
    return frequencies.to(torch.get_default_device() if device is None else device)


def rope_tables(
    d_head: int, max_seq_len: int, theta: float = 10000.0, *, device: torch.device | str | None = None
) -> tuple[Float[Tensor, "max_seq_len pairs"], Float[Tensor, "max_seq_len pairs"]]:
    """Return the cosine and the sine, in float32, of each position's angle for each pair of features.

    The angle of pair k at position p is `p / theta ** (2k / d_head)`.

    Shapes: -> (max_seq_len pairs) and (max_seq_len pairs)
    """
    return tables_of(rope_frequencies(d_head, theta, device=device), max_seq_len)


def tables_of(
    frequencies: Float[Tensor, "pairs"], max_seq_len: int
) -> tuple[Float[Tensor, "max_seq_len pairs"], Float[Tensor, "max_seq_len pairs"]]:
    """Return the cosine and the sine of each position's angle, for pairs that turn by `frequencies` radians.

    That is from one position to the next; the tables are in float32.
    """
    positions = torch.arange(max_seq_len, dtype=torch.float32, device=frequencies.device)
    angles = einsum(positions, frequencies, "max_seq_len, pairs -> max_seq_len pairs")
    return torch.cos(angles), torch.sin(angles)


def rope(
    x: Float[Tensor, "... seq d_head"],
    cos: Float[Tensor, "max_seq_len pairs"],
    sin: Float[Tensor, "max_seq_len pairs"],
    token_positions: Int[Tensor, "... seq"],
) -> Float[Tensor, "... seq d_head"]:
    """Rotate each pair `(x[2k], x[2k + 1])` by its position's angle, in float32 or better.

    `(even, odd)` becomes `(even cos - odd sin, even sin + odd cos)`. The leading axes of `token_positions`
    are broadcast against those of `x`. Example: at position 0 nothing turns.

    Shapes: x (... seq d_head), cos (max_seq_len pairs), sin (max_seq_len pairs), token_positions (... seq)
    -> (... seq d_head)
    """
    cos_here = cos[token_positions]
    sin_here = sin[token_positions]
    even, odd = rearrange(x, "... seq (pairs two) -> two ... seq pairs", two=2)
    rotated_even = even * cos_here - odd * sin_here
    rotated_odd = even * sin_here + odd * cos_here
    rotated = torch.stack((rotated_even, rotated_odd), dim=-1)
    return rearrange(rotated, "... seq pairs two -> ... seq (pairs two)").to(x.dtype)


def check_positions(token_positions: Int[Tensor, "..."], max_seq_len: int) -> None:
    """Raise `IndexError` for a position that tables lack; as with ids, an accelerator is not waited for."""
    is_quick = token_positions.device.type == "cpu" and not torch.compiler.is_compiling()
    if not is_quick or token_positions.numel() == 0:
        return
    lowest, highest = (int(position) for position in token_positions.aminmax())
    if lowest < 0 or highest >= max_seq_len:
        wrong = lowest if lowest < 0 else highest
        raise IndexError(
            f"positions must lie in 0..{max_seq_len - 1} for tables of {max_seq_len} positions but one is "
            f"{wrong}; make the tables longer or count from the first token that is seen"
        )
