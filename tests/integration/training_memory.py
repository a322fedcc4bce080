"""Be a fresh process that trains for a few steps, and print by how much it grew after the model was made.

What every process pays once (libraries, buffers of matrix products, threads) is paid before, by two steps of
a small model of the same parts.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
from torch import nn
from torch.optim import Optimizer

from cs336_basics.data.mixture import TokenMixture
from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.config import ModelConfig
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.batches import Batch, batch_of_step
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.config import RunConfig, TrainingConfig
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.state import new_model
from cs336_basics.training.step import train_step

STEPS = 2  # at the second, the optimizer has its state


def plain_step(objective: nn.Module, optimizer: Optimizer, batch: Batch, config: RunConfig, step: int):
    """Take a step as `train_step` does, but with all logits at once."""
    model = objective.get_submodule("model")
    loss = cross_entropy(model(batch.inputs), batch.targets)
    loss.backward()
    clip_gradients(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def main(settings: str) -> None:
    """Train the model that `settings`, a JSON object, describes."""
    given = json.loads(settings)
    training = TrainingConfig(
        steps=STEPS, batch_size=given["batch_size"], device="cpu", precision=given["precision"]
    )
    config = RunConfig(model=ModelConfig(**given["model"]), training=training)
    take_step = train_step if given["loss"] == "chunked" else plain_step
    ids = np.random.default_rng(1729).integers(config.model.vocab_size, size=100_000).astype(np.uint16)

    small = replace(
        config,
        model=replace(config.model, d_model=8 * config.model.num_heads, d_ff=64, num_layers=1, vocab_size=7),
        training=replace(training, batch_size=1),
    )
    objective = NextTokenLoss(new_model(small))
    optimizer = new_optimizer(objective.model, small)
    for step in (1, 2):
        batch = batch_of_step(TokenMixture.by_size(ids % 7), small, step)
        take_step(objective, optimizer, batch, small, step)

    objective = NextTokenLoss(new_model(config))
    optimizer = new_optimizer(objective.model, config)
    before = psutil.Process().memory_info().rss
    for step in range(1, STEPS + 1):
        batch = batch_of_step(TokenMixture.by_size(ids), config, step)
        take_step(objective, optimizer, batch, config, step)
    print(json.dumps({"before": before, "growth": largest_resident_size() - before}))


def largest_resident_size() -> int:
    """Return the most bytes of memory that this process had (`ru_maxrss` may be those of its parent)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
