"""Memory as one counts it on paper: the result of each operation once, and nothing about an implementation.

This is the course's way (its exercise on the memory of AdamW). What really exists is in `activations.py` and
`memory.py`: some results are never kept, others are kept together with what led to them.
"""

from dataclasses import replace

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.optimizer_cost import optimizer_state_bytes
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.accounting.parameters import count_parameters
from cs336_basics.accounting.parts.build import build_parts, folded
from cs336_basics.nn.config import ModelConfig


def textbook_activations(config: ModelConfig, batch: Batch) -> dict[str, int]:
    """Return how many numbers each operation returns, from the first norm to the loss.

    Equal operations of all layers are one entry, `layers.*.attn: scores`.
    """
    numbers: dict[str, int] = {}
    for name, part in build_parts(config).items():
        for result, count in part.results(batch).items():
            key = f"{folded(name)}: {result}"
            numbers[key] = numbers.get(key, 0) + count
    return numbers


def textbook_memory(
    config: ModelConfig, batch: Batch, *, optimizer: OptimizerName = "adamw"
) -> tuple[int, int]:
    """Return (a, b): training with B sequences like those of `batch` takes `a * B + b` bytes, in float32."""
    activations = textbook_activations(config, replace(batch, batch_size=1))
    weights_and_gradients = 2 * FLOAT32_BYTES * count_parameters(config)
    fixed = weights_and_gradients + optimizer_state_bytes(config, optimizer=optimizer)
    return FLOAT32_BYTES * sum(activations.values()), fixed


def textbook_largest_batch(
    config: ModelConfig, batch: Batch, memory_bytes: float, *, optimizer: OptimizerName = "adamw"
) -> int:
    """Return the largest B with `a * B + b <= memory_bytes`; 0 if there is none."""
    each, fixed = textbook_memory(config, batch, optimizer=optimizer)
    return max(0, int((memory_bytes - fixed) // each))
