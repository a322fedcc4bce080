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
    rotation: tuple[Float[Tensor, "batch 1 1 d_head"], Float[Tensor, "batch 1 1 d_head"]] | None
    """The cosine and the signed sine of each feature's angle (see `rotate`); None: without RoPE."""

    def rotate(self, x: Float[Tensor, "batch heads 1 d_head"]) -> Float[Tensor, "batch heads 1 d_head"]:
        """Rotate the new queries or keys, as `functional.rope.rope` does.

        Written in another way so that the tables are indexed once for all layers: its
        `(even cos - odd sin, odd cos + even sin)` is `x cos + partner (-sin, sin)`, where the partner of a
        feature is the other one of its pair.
        """
        if self.rotation is None:
            return x
        cos, signed_sin = self.rotation
        partner = x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
        rotated = x * cos + partner * signed_sin
        return rotated.to(x.dtype)


def decoding_step(
    lengths: Sequence[int], rope_tables: RopeTables | None, *, device: torch.device
) -> DecodingStep:
    """Return the step that adds a token to rows of these lengths."""
    positions = torch.tensor(lengths, device=device)
    num_keys = max(lengths) + 1
    rotation = None if rope_tables is None else rotation_at(positions, rope_tables)
    everything = slice(None)
    if min(lengths) == max(lengths):  # one text or several in step: no padding, and a plain slice is quicker
        return DecodingStep((everything, everything, num_keys - 1), num_keys, None, rotation)
    rows = torch.arange(len(lengths), device=device)
    mask = visible_keys(positions, num_keys)
    return DecodingStep((rows, everything, positions), num_keys, mask, rotation)


def visible_keys(positions: Int64[Tensor, "batch"], num_keys: int) -> Bool[Tensor, "batch 1 1 keys"]:
    """Let each query look at the keys up to its own position; what lies after is padding."""
    key_positions = torch.arange(num_keys, device=positions.device)
    visible = key_positions <= positions[:, None]
    return rearrange(visible, "batch keys -> batch 1 1 keys")


def rotation_at(
    positions: Int64[Tensor, "batch"], rope_tables: RopeTables
) -> tuple[Float[Tensor, "batch 1 1 d_head"], Float[Tensor, "batch 1 1 d_head"]]:
    """Return the cosine for both features of a pair, and the sine: negative for the even one."""
    cos, sin = rope_tables
    cos_here, sin_here = cos[positions], sin[positions]
    cos_of_features = torch.stack((cos_here, cos_here), dim=-1)
    sin_of_features = torch.stack((-sin_here, sin_here), dim=-1)
    to_heads = "batch pairs two -> batch 1 1 (pairs two)"
    return rearrange(cos_of_features, to_heads), rearrange(sin_of_features, to_heads)
