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
from torch.optim import Optimizer

from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.config import RunConfig, TrainingConfig
from cs336_basics.training.state import new_model, new_optimizer
from cs336_basics.training.step import batch_of_step, train_step

STEPS = 2  # at the second, the optimizer has its state


def plain_step(model: TransformerLM, optimizer: Optimizer, dataset: np.ndarray, config: RunConfig, step: int):
    """Take a step as `train_step` does, but with all logits at once."""
    inputs, targets = batch_of_step(dataset, config, step)
    loss = cross_entropy(model(inputs), targets)
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
    dataset = np.random.default_rng(1729).integers(config.model.vocab_size, size=100_000).astype(np.uint16)

    small = replace(
        config,
        model=replace(config.model, d_model=8 * config.model.num_heads, d_ff=64, num_layers=1, vocab_size=7),
        training=replace(training, batch_size=1),
    )
    model = new_model(small)
    optimizer = new_optimizer(model, small)
    for step in (1, 2):
        take_step(model, optimizer, dataset % 7, small, step)

    model = new_model(config)
    optimizer = new_optimizer(model, config)
    before = psutil.Process().memory_info().rss
    for step in range(1, STEPS + 1):
        take_step(model, optimizer, dataset, config, step)
    print(json.dumps({"before": before, "growth": largest_resident_size() - before}))


def largest_resident_size() -> int:
    """Return the most bytes of memory that this process had (`ru_maxrss` may be those of its parent)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
