"""How much memory training takes at its peak.

Weights, gradients and the optimizer's state are float32. What is counted are the tensors. A process needs
some hundred megabytes more for Python and PyTorch, and on a CPU the gaps of the heap (`heap_gaps`).
"""

import math
from dataclasses import dataclass, replace

from cs336_basics.accounting.activations import activation_bytes
from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.engines import Engine, one_process
from cs336_basics.accounting.optimizer_cost import optimizer_cost
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.accounting.parameters import parameter_shapes
from cs336_basics.accounting.parts.build import LossForm, build_parts, segments
from cs336_basics.accounting.passes import backward_peak, evaluation_peak, forward_peak
from cs336_basics.nn.config import ModelConfig

GAPS_BY_ACTIVATIONS = 0.35  # measured, see `heap_gaps`


@dataclass(frozen=True, kw_only=True)
class MemoryEstimate:
    """Bytes. Gradients come while activations go, so that the peak is not the sum of the four sizes."""

    weights: int
    gradients: int
    """Gradients at the update; more if they accumulate, or have room that stays (DDP)."""
    optimizer_state: int
    activations: int
    """What autograd keeps when a forward pass ends."""
    gathered: int
    """FSDP: the most of whole weights, and of what is on its way between processes; else 0."""
    start: int
    """What a run that continues has before its first step; with FSDP also everything whole, to cut it."""
    phases: dict[str, int]
    """The most that exists at once in each phase of a step, weights and temporary tensors included."""

    @property
    def peak(self) -> int:
        """The most that exists at once."""
        return max(self.phases.values())

    @property
    def peak_phase(self) -> str:
        """The phase in which it does."""
        return max(self.phases, key=self.phases.__getitem__)

    @property
    def above_weights(self) -> int:
        """By how much memory grows after the model is made."""
        return self.peak - self.weights

    @property
    def heap_gaps(self) -> int:
        """What stays resident between the tensors on a CPU, where the allocator is glibc's.

        It keeps freed blocks below 32 MiB in a heap, and the tensors of a step do not fit into each other's
        places. This is no law but a fit to processes that trained models of nine sizes: gaps of a good third
        of the activations, less what gradients, as many as weights, leave for the next step to fill. They
        grew by 330 to 1,300 MB, in tensors below 32 MiB; of larger ones, which leave no gaps, it says too
        much. The environment variable `MALLOC_MMAP_THRESHOLD_=131072` gives each tensor pages of its own,
        without gaps, for up to twice the time, because the system then clears pages all the time.
        """
        return max(0, int(GAPS_BY_ACTIVATIONS * self.activations) - self.weights)

    @property
    def resident_peak(self) -> int:
        """The most that is resident at once on a CPU, gaps included."""
        return self.peak + self.heap_gaps

    @property
    def resident_above_weights(self) -> int:
        """By how much the resident size of a process on a CPU grows after the model is made."""
        return self.resident_peak - self.weights


def estimate_memory(
    config: ModelConfig,
    batch: Batch,
    *,
    optimizer: OptimizerName = "adamw",
    loss: LossForm = "chunked",
    accumulation_steps: int = 1,
    recompute: bool = False,
    evaluates: bool = True,
    engine: Engine = one_process,
) -> MemoryEstimate:
    """Return the memory of a training step after the first, when the optimizer has its state.

    `batch` goes through the model in `accumulation_steps` equal parts, which must divide its size
    (`ValueError`). With `recompute`, blocks keep only their input and are computed again in the backward
    pass. With `evaluates`, the evaluations of `cs336 train`, which make all logits of a part, count too.
    With the `engine` of several processes, `batch` and the result are those of each.
    """
    part_of_batch = split(batch, accumulation_steps)
    weights = own_weight_bytes(config, shards=1)
    update = optimizer_cost(config, optimizer=optimizer, precision=batch.precision)
    grouped = segments(build_parts(config, loss=loss))
    engine_memory = engine(grouped, accumulation_steps)
    own = own_weight_bytes(config, engine_memory.shards)
    own_state = update.state_bytes * own // weights
    phases = {
        "forward": forward_peak(grouped, config, part_of_batch, engine_memory, recompute=recompute),
        "backward": backward_peak(grouped, config, part_of_batch, engine_memory, recompute=recompute),
        "update": own + update.temporary_bytes * own // weights,
    }
    if evaluates:
        logits = evaluation_peak(config, part_of_batch)
        phases["evaluation"] = engine_memory.room + engine_memory.forward[-1] + logits
    gathered = max(engine_memory.forward + engine_memory.backward)
    cut_from = weights + update.state_bytes if gathered > 0 else 0
    return MemoryEstimate(
        weights=own,
        gradients=max(own, engine_memory.gradients_before),
        optimizer_state=own_state,
        activations=activation_bytes(config, part_of_batch, loss=loss, recompute=recompute),
        gathered=gathered,
        start=own + own_state + cut_from,
        phases={name: own + own_state + extra for name, extra in phases.items()},
    )


def own_weight_bytes(config: ModelConfig, shards: int) -> int:
    """Return the bytes of the largest part, the first, of weights that are cut by rows into so many."""
    shapes = parameter_shapes(config).values()
    return FLOAT32_BYTES * sum(math.ceil(shape[0] / shards) * math.prod(shape[1:]) for shape in shapes)


def in_float64(estimate: MemoryEstimate) -> MemoryEstimate:
    """Return twice the memory: the few tensors that stay what they are, such as ids, count too."""
    return MemoryEstimate(
        weights=2 * estimate.weights,
        gradients=2 * estimate.gradients,
        optimizer_state=2 * estimate.optimizer_state,
        activations=2 * estimate.activations,
        gathered=2 * estimate.gathered,
        start=2 * estimate.start,
        phases={name: 2 * size for name, size in estimate.phases.items()},
    )


def split(batch: Batch, accumulation_steps: int) -> Batch:
    """Return one of the parts in which a batch goes through the model."""
    if accumulation_steps < 1 or batch.batch_size % accumulation_steps != 0:
        raise ValueError(
            f"accumulation_steps must divide batch_size but {accumulation_steps} does not divide "
            f"{batch.batch_size}; change one of the two"
        )
    return replace(batch, batch_size=batch.batch_size // accumulation_steps)
