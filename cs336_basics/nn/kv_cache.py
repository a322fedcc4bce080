"""The key-value cache: the keys and values of the tokens so far, which a new token need not compute again.

It holds tensors and knows nothing of models: attention writes and reads it, the model says when, and
`generation` decides what goes in. A key lies at the position of its token. Where a row is shorter than
another, what lies after its end is padding, which no query of the row may see (`decoding_step.py`) and
which its later tokens overwrite. For inference only: it is written in place, so use it under
`torch.inference_mode()` or `torch.no_grad()`.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.nn.decoding_step import DecodingStep

BLOCK_POSITIONS = 128  # memory grows in such blocks, so that a short text does not pay for a long context


class LayerCache:
    """Keys and values of one layer, each (batch, heads, positions, d_head).

    Shape, dtype and device are those of the first keys: fewer heads for keys than for queries, or
    autocast's narrower type, need no setting.
    """

    def __init__(self) -> None:
        self.keys: Tensor = torch.empty(0, 0, 0, 0)
        self.values: Tensor = torch.empty(0, 0, 0, 0)

    def fill(
        self, k: Float[Tensor, "batch heads seq d_head"], v: Float[Tensor, "batch heads seq d_head"]
    ) -> None:
        """Start over with the keys and values of the positions 0, 1, ..., seq - 1."""
        self.keys = with_room(k, k.shape[-2])
        self.values = with_room(v, v.shape[-2])

    def append(
        self,
        k: Float[Tensor, "batch heads 1 d_head"],
        v: Float[Tensor, "batch heads 1 d_head"],
        step: DecodingStep,
    ) -> tuple[Float[Tensor, "batch heads keys d_head"], Float[Tensor, "batch heads keys d_head"]]:
        """Write one position of each row, and return all keys and values that the step may look at."""
        if step.num_keys > self.keys.shape[-2]:
            self.keys = with_room(self.keys, step.num_keys)
            self.values = with_room(self.values, step.num_keys)
        self.keys[step.place] = k[:, :, 0]
        self.values[step.place] = v[:, :, 0]
        return self.keys[:, :, : step.num_keys], self.values[:, :, : step.num_keys]


class KeyValueCache:
    """One `LayerCache` for each layer of a model, and how many tokens of each row they hold.

    The keys and the values of a layer have the shape (batch, heads, positions, d_head).
    """

    def __init__(self, num_layers: int) -> None:
        self.layers: list[LayerCache] = [LayerCache() for _ in range(num_layers)]
        self.lengths: list[int] = []

    def check_for(self, *, num_layers: int, num_rows: int | None = None) -> None:
        """Raise `ValueError` unless the cache has so many layers and, where it is said, so many rows."""
        if len(self.layers) != num_layers:
            raise ValueError(
                f"a cache must have a layer for each of the model's {num_layers} but has {len(self.layers)}; "
                "make it with KeyValueCache(len(model.layers))"
            )
        if num_rows is not None and (num_rows == 0 or num_rows != len(self.lengths)):
            raise ValueError(
                f"a cache grows by one token for each of its {len(self.lengths)} rows but was given "
                f"{num_rows}; rows come into it by prefill"
            )

    def select_rows(self, rows: Sequence[int]) -> None:
        """Keep these rows only, in this order."""
        if list(rows) == list(range(len(self.lengths))):
            return
        self.lengths = [self.lengths[row] for row in rows]
        for layer in self.layers:
            index = torch.tensor(rows, dtype=torch.long, device=layer.keys.device)
            layer.keys = layer.keys.index_select(0, index)
            layer.values = layer.values.index_select(0, index)

    def add_rows(self, other: "KeyValueCache") -> None:
        """Put the rows of another cache of the same model after those that are here.

        The other is used up by it: where there were none here, both now have the same memory.
        """
        other.check_for(num_layers=len(self.layers))
        self.lengths = self.lengths + other.lengths
        for layer, others in zip(self.layers, other.layers, strict=True):
            layer.keys = stacked_rows(layer.keys, others.keys)
            layer.values = stacked_rows(layer.values, others.values)


def with_room(
    x: Float[Tensor, "batch heads seq d_head"], positions: int
) -> Float[Tensor, "batch heads capacity d_head"]:
    """Return a copy of `x` with zeros after it, up to a whole number of blocks that holds `positions`.

    Zeros and not what lies in memory: a key that may not be seen has the weight 0, but 0 times NaN is NaN.
    """
    capacity = -(-positions // BLOCK_POSITIONS) * BLOCK_POSITIONS
    batch, heads, seq, d_head = x.shape
    roomy = x.new_zeros(batch, heads, capacity, d_head)
    roomy[:, :, :seq] = x
    return roomy


def stacked_rows(
    x: Float[Tensor, "rows ..."], y: Float[Tensor, "more_rows heads capacity d_head"]
) -> Float[Tensor, "all_rows heads larger_capacity d_head"]:
    """Return the rows of `x` and then those of `y`, with the room of the larger."""
    if len(x) == 0:
        return y
    positions = max(x.shape[-2], y.shape[-2])
    return torch.cat((with_room(x, positions), with_room(y, positions)))
