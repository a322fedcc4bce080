"""What the engines of `training.parallel`, for several processes, add to the memory of each."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from cs336_basics.accounting.batch import FLOAT32_BYTES
from cs336_basics.accounting.parts.build import is_in_a_block
from cs336_basics.accounting.parts.part import Part

ParallelForm = Literal["ddp", "fsdp"]

Segments = list[dict[str, Part]]
"""The parts of a model as `segments` groups them, in the order of a forward pass."""


@dataclass(frozen=True, kw_only=True)
class EngineMemory:
    """Bytes that exist besides activations, in the last part of a batch; lists have one entry a segment."""

    shards: int
    """Into how many parts weights, gradients and the optimizer's state are shared out."""
    room: int
    """Room for gradients that stays from step to step."""
    gradients_before: int
    """Gradients, and room for them, that are there when the forward pass begins."""
    forward: list[int]
    """What a segment's forward pass has of other processes' weights."""
    backward: list[int]
    """What its backward pass has of other processes' weights, and of gradients on their way to them."""
    given_away: list[int]
    """What of a segment's gradients is with other processes at the segment's end."""
    after_backward: int = 0
    """What is there when the backward pass ends and its last gradients are on their way."""


Engine = Callable[[Segments, int], EngineMemory]
"""From the segments, and the parts in which a batch goes through them, to what is held."""


def one_process(grouped: Segments, accumulation_steps: int) -> EngineMemory:
    """A process that is alone has everything, and gradients only from backward pass to update."""
    nothing = [0] * len(grouped)
    return EngineMemory(
        shards=1,
        room=0,
        gradients_before=whole(grouped) if accumulation_steps > 1 else 0,
        forward=nothing,
        backward=nothing,
        given_away=nothing,
    )


def data_parallel(grouped: Segments, accumulation_steps: int) -> EngineMemory:
    """DDP has everything in each process, and room for gradients that stays.

    Gradients that are accumulated lie outside of it, until the last part of the batch adds its own.
    """
    room = whole(grouped)
    alone = one_process(grouped, accumulation_steps)
    return replace(alone, room=room, gradients_before=room + alone.gradients_before)


def fully_sharded(grouped: Segments, accumulation_steps: int, *, count: int) -> EngineMemory:
    """FSDP2 has one of `count` parts of everything and gathers the rest of a block when it computes.

    Weights outside the blocks stay gathered from the forward pass to the end of the backward pass. Gradients
    that are accumulated are whole in each process.
    """
    in_blocks = [any(map(is_in_a_block, segment)) for segment in grouped]
    first = in_blocks.index(True)
    last = first + in_blocks.count(True) - 1
    block = weight_bytes(grouped[first])
    outside = whole(grouped) - (last - first + 1) * block

    def forward(place: int) -> int:
        """The memory in which weights came stays until those of the next block are there."""
        if place < first:
            return 2 * outside
        return outside + 2 * block if in_blocks[place] else outside

    def backward(place: int) -> int:
        """Weights of the next block come, and gradients of the one before are on their way."""
        at_work = block if in_blocks[place] else 0
        coming = block if first < place <= last + 1 else 0
        going = block if place < last else 0
        return outside + at_work + coming + going

    places = range(len(grouped))
    return EngineMemory(
        shards=count,
        room=0,
        gradients_before=whole(grouped) if accumulation_steps > 1 else 0,
        forward=[forward(place) for place in places],
        backward=[backward(place) for place in places],
        given_away=[block - block // count if is_block else 0 for is_block in in_blocks],
        after_backward=outside + outside // count,
    )


def engine_of(name: ParallelForm | None, num_processes: int) -> Engine:
    """Return the engine by its name; several processes without one are those of DDP, as in training."""
    if num_processes < 1:
        raise ValueError(f"there must be at least 1 process but there are {num_processes}")
    if name == "fsdp":
        return partial(fully_sharded, count=num_processes)
    return one_process if name is None and num_processes == 1 else data_parallel


def weight_bytes(segment: dict[str, Part]) -> int:
    """Return the bytes of the weights of a segment."""
    shapes = (shape for part in segment.values() for shape in part.weights().values())
    return FLOAT32_BYTES * sum(map(math.prod, shapes))


def whole(grouped: Segments) -> int:
    """Return the bytes of all weights."""
    return sum(map(weight_bytes, grouped))
