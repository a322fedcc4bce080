"""Run checkpoints of a few weights, to damage and to read again."""

from pathlib import Path
from typing import Any

import torch

from cs336_basics.checkpoint.run_checkpoint import save_run_checkpoint
from cs336_basics.checkpoint.snapshot import take_snapshot
from cs336_basics.nn.linear import Linear
from cs336_basics.optim.adamw import AdamW


def trained(seed: int = 0) -> tuple[torch.nn.ModuleDict, AdamW]:
    """Return a module and an optimizer that has taken two steps, the second group without decay."""
    torch.manual_seed(seed)
    model = torch.nn.ModuleDict({"a": Linear(3, 5), "b": Linear(5, 7)})
    groups = [
        {"params": list(model["a"].parameters())},
        {"params": list(model["b"].parameters()), "weight_decay": 0.0},
    ]
    optimizer = AdamW(groups, lr=0.1, betas=(0.8, 0.9))
    for _ in range(2):
        model["b"](model["a"](torch.randn(11, 3))).square().mean().backward()
        optimizer.step()
    return model, optimizer


def save(checkpoints: Path, step: int, **options: Any) -> Path:
    """Write a checkpoint of `trained()`."""
    model, optimizer = trained()
    content: dict[str, Any] = {"progress": {}, "random_states": {}, **options}
    return save_run_checkpoint(checkpoints, take_snapshot(model, optimizer), step=step, **content)
