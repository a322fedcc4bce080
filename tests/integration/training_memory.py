"""Be a fresh process that trains for a few steps, and print by how much it grew after the model was made.

What every process pays once (libraries, buffers of matrix products, threads) is paid before, by two steps of
a small model of the same parts and an update of a large parameter.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import nn
from torch.optim import Optimizer

from cs336_basics.data.mixture import TokenMixture
from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.config import ModelConfig
from cs336_basics.optim.adamw import AdamW
from cs336_basics.optim.adamw_kernel import FEWEST_ENTRIES
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.batches import Batch, batch_of_step
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.config import RunConfig, TrainingConfig
from cs336_basics.training.parallel.join import processes_of_torchrun
from cs336_basics.training.processes import Processes
from cs336_basics.training.recomputation import recompute_blocks
from cs336_basics.training.state import new_model
from cs336_basics.training.step import train_step

STEPS, STEPS_OF_SEVERAL = 2, 3  # at 2, the optimizer has its state; at 3, DDP the room that stays


def plain_step(
    objective: nn.Module, optimizer: Optimizer, batch: Batch, config: RunConfig, step: int, **alone: Processes
) -> None:
    """Take a step as `train_step` does, but with all logits at once."""
    model = objective.get_submodule("model")
    loss = cross_entropy(model(batch.inputs), batch.targets)
    loss.backward()
    clip_gradients(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def main(settings: str) -> None:
    """Train the model that `settings`, a JSON object, describes: alone, or as one of several processes."""
    given = json.loads(settings)
    training = TrainingConfig(
        steps=STEPS_OF_SEVERAL if given["parallel"] else STEPS,
        batch_size=given["batch_size"],
        device="cpu",
        precision=given["precision"],
        accumulation_steps=given["accumulation_steps"],
        recompute=given["recompute"],
    )
    config = RunConfig(model=ModelConfig(**given["model"]), training=training)
    take_step = train_step if given["loss"] == "chunked" else plain_step
    with processes_of_torchrun(given["parallel"]) as processes:
        small = replace(
            config,
            model=replace(
                config.model, d_model=8 * config.model.num_heads, d_ff=64, num_layers=1, vocab_size=7
            ),
            training=replace(training, batch_size=processes.count * training.accumulation_steps),
        )
        growth_in_training(small, processes, take_step)
        update_a_large_parameter()
        growth = growth_in_training(config, processes, take_step)
        if processes.is_first:
            print(json.dumps({"growth": growth}))


def update_a_large_parameter() -> None:
    """Let AdamW import and compile what it has for parameters larger than those of the small model."""
    parameter = nn.Parameter(torch.zeros(FEWEST_ENTRIES))
    parameter.grad = torch.zeros(FEWEST_ENTRIES)
    AdamW([parameter]).step()


def growth_in_training(config: RunConfig, processes: Processes, take_step: Callable[..., object]) -> int:
    """Return by how many bytes this process grows."""
    ids = np.random.default_rng(1729).integers(config.model.vocab_size, size=100_000).astype(np.uint16)
    model = new_model(config)
    if config.training.recompute:
        recompute_blocks(model)
    optimizer = new_optimizer(model, config)
    objective = processes.distribute(model, optimizer)
    before = psutil.Process().memory_info().rss
    Path("/proc/self/clear_refs").write_text("5")  # what the making of the model took does not count
    for step in range(1, config.training.steps + 1):
        batch = batch_of_step(TokenMixture.by_size(ids), config, step, processes=processes)
        take_step(objective, optimizer, batch, config, step, processes=processes)
    return largest_resident_size() - before


def largest_resident_size() -> int:
    """Return the most bytes of memory that this process had (`ru_maxrss` may be those of its parent)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
