"""Where the new token of each row stands when a batch is decoded, worked out once for all layers.

The rows of a batch may differ in length, so each has a position of its own. From the positions follow the
rotation of the new queries and keys, the place in the cache, and which keys a query may look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from cs336_basics.functional.complex_rope import turn_pairs, turns_at
from cs336_basics.nn.rope import RopeTables


@dataclass(frozen=True)
class DecodingStep:
    """One new token for each row."""

    place: tuple
    """Where the new keys and values belong: an index into (batch, heads, positions, d_head) that gives
    (batch, heads, d_head). With tensors for rows and positions that holds because PyTorch puts the axis of
    tensor indices in front when a slice stands between them."""
    num_keys: int
    """Keys up to the furthest position, the new ones included."""
    mask: Bool[Tensor, "batch 1 1 keys"] | None
    """True where the query of a row may look: at its own position and before; None: everywhere."""
    turns: Float[Tensor, "batch 1 1 pairs 2"] | None
    """By which complex numbers the pairs of queries and keys turn (`turn_pairs`); None: without RoPE."""

    def rotate(self, x: Float[Tensor, "batch heads 1 d_head"]) -> Float[Tensor, "batch heads 1 d_head"]:
        """Rotate the new queries or keys, as `functional.rope.rope` does."""
        return x if self.turns is None else turn_pairs(x, self.turns)


def decoding_step(
    lengths: Sequence[int], rope_tables: RopeTables | None, *, device: torch.device
) -> DecodingStep:
    """Return the step that adds a token to rows of these lengths."""
    positions = torch.tensor(lengths, device=device)
    num_keys = max(lengths) + 1
    each_row = rearrange(positions, "batch -> batch 1 1")
    turns = None if rope_tables is None else turns_at(each_row, *rope_tables)
    everything = slice(None)
    if min(lengths) == max(lengths):  # one text or several in step: no padding, and a plain slice is quicker
        return DecodingStep((everything, everything, num_keys - 1), num_keys, None, turns)
    rows = torch.arange(len(lengths), device=device)
    mask = visible_keys(positions, num_keys)
    return DecodingStep((rows, everything, positions), num_keys, mask, turns)


def visible_keys(positions: Int64[Tensor, "batch"], num_keys: int) -> Bool[Tensor, "batch 1 1 keys"]:
    """Let each query look at the keys up to its own position; what lies after is padding."""
    key_positions = torch.arange(num_keys, device=positions.device)
    visible = key_positions <= positions[:, None]
    return rearrange(visible, "batch keys -> batch 1 1 keys")
