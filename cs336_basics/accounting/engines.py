"""What the engines of `training.parallel`, for several processes, add to the memory of each."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from cs336_basics.accounting.batch import FLOAT32_BYTES
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.accounting.parts.build import is_in_a_block
from cs336_basics.accounting.parts.part import Part

ParallelForm = Literal["ddp", "fsdp"]

Segments = list[dict[str, Part]]
"""The parts of a model as `segments` groups them, in the order of a forward pass."""


@dataclass(frozen=True, kw_only=True)
class EngineMemory:
    """What an engine holds besides activations while the last part of a batch is computed, in bytes.

    A list has one entry for each segment.
    """

    shards: int
    """Into how many parts weights, gradients and the optimizer's state are shared out."""
    gradients_before: int
    """Gradients, and room for them, that are there when the forward pass begins."""
    forward: list[int]
    """Whole weights while a segment goes forward, and copies of them on their way between processes."""
    backward: list[int]
    """The same while it goes backward, and copies of gradients on their way."""
    given_away: list[int]
    """What a process frees of a segment's gradients when they have been added up: the parts of others."""
    after_backward: int = 0
    """What is on its way when all segments are done."""
    room: int = 0
    """Room for gradients that stays from step to step (DDP)."""


Engine = Callable[[Segments, int], EngineMemory]
"""From the segments, and the number of parts in which a batch goes through them."""


def one_process(grouped: Segments, accumulation_steps: int) -> EngineMemory:
    """A process that is alone has everything, and gradients only from backward pass to update."""
    nothing = [0] * len(grouped)
    return EngineMemory(
        shards=1,
        gradients_before=accumulated(grouped, accumulation_steps),
        forward=nothing,
        backward=nothing,
        given_away=nothing,
    )


def data_parallel(grouped: Segments, accumulation_steps: int) -> EngineMemory:
    """DDP has everything in each process, and room for gradients that stays.

    Gradients that are accumulated lie outside of it, until the last part of the batch adds its own.
    """
    room = all_weight_bytes(grouped)
    alone = one_process(grouped, accumulation_steps)
    return replace(alone, room=room, gradients_before=room + alone.gradients_before)


def fully_sharded(grouped: Segments, accumulation_steps: int, *, count: int) -> EngineMemory:
    """FSDP2 has one of `count` parts of everything and gathers the whole of a block when it computes.

    Weights outside the blocks stay whole from the forward pass to the end of the backward pass. What other
    processes send arrives in a copy; a process that is alone needs none. Gradients that are accumulated are
    whole in each process. Measured with gloo, on CPUs.
    """
    in_blocks = [any(map(is_in_a_block, segment)) for segment in grouped]
    first = in_blocks.index(True)
    last = first + in_blocks.count(True) - 1
    block = weight_bytes(grouped[first])
    outside = all_weight_bytes(grouped) - (last - first + 1) * block
    arrives = count > 1

    def forward(place: int) -> int:
        """A copy that has arrived stays until the next one is there."""
        at_work = block if in_blocks[place] else 0
        own_copy = outside if place < first else block if place <= last + 1 else 0
        copy_before = outside if place == first else 0
        return outside + at_work + (max(own_copy, copy_before) if arrives else 0)

    def backward(place: int) -> int:
        """The weights of the next block arrive, and the gradients of the one before are being added up."""
        at_work = block if in_blocks[place] else 0
        prefetched = block if first < place <= last + 1 and arrives else 0
        being_reduced = block if place < last else 0
        return outside + at_work + prefetched + being_reduced

    places = range(len(grouped))
    return EngineMemory(
        shards=count,
        gradients_before=accumulated(grouped, accumulation_steps),
        forward=[forward(place) for place in places],
        backward=[backward(place) for place in places],
        given_away=[block - block // count if is_block else 0 for is_block in in_blocks],
        after_backward=outside + (outside // count if arrives else 0),
    )


def engine_of(name: ParallelForm | None, num_processes: int) -> Engine:
    """Return the engine by its name; several processes without one are those of DDP, as in training."""
    if num_processes < 1:
        raise ValueError(f"there must be at least 1 process but there are {num_processes}; take 1 or more")
    if name is None and num_processes == 1:
        return one_process
    engines: dict[str, Engine] = {"ddp": data_parallel, "fsdp": partial(fully_sharded, count=num_processes)}
    if (name or "ddp") not in engines:
        raise ValueError(f"parallel must be one of {', '.join(engines)} but is {name!r}; take one")
    return engines[name or "ddp"]


def check_optimizer(parallel: ParallelForm | None, optimizer: OptimizerName) -> None:
    """Raise `ValueError` if an optimizer cannot update the parts of weights that an engine gives it."""
    if parallel == "fsdp" and optimizer == "muon":
        raise ValueError(
            "fsdp needs an optimizer that updates each weight by itself but optimizer is 'muon', which "
            "needs whole matrices; take adamw, or ddp"
        )


def accumulated(grouped: Segments, accumulation_steps: int) -> int:
    """Return the bytes of the gradients that the parts of a batch before the last one leave."""
    return all_weight_bytes(grouped) if accumulation_steps > 1 else 0


def weight_bytes(segment: dict[str, Part]) -> int:
    """Return the bytes of the weights of a segment."""
    shapes = (shape for part in segment.values() for shape in part.weights().values())
    return FLOAT32_BYTES * sum(map(math.prod, shapes))


def all_weight_bytes(grouped: Segments) -> int:
    """Return the bytes of all weights."""
    return sum(map(weight_bytes, grouped))
