"""What comes out of one model of the study: signals before any training and after some steps."""

from dataclasses import dataclass

import numpy as np
import torch

from cs336_basics.data.batching import get_batch
from cs336_basics.experiments.init_study.signals import Signals, measure_signals
from cs336_basics.experiments.init_study.study import Case, StudyConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.batches import Batch
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.config import RunConfig
from cs336_basics.training.finite import NonFiniteError
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.random_state import own_random_states
from cs336_basics.training.step import train_step


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What was measured on one model."""

    case: Case
    before: Signals
    """Before any training."""
    after: Signals | None
    """After the steps; None if training broke down."""
    broke_down_at: int | None
    """The step at which loss or gradient was not finite; None if there was none."""


def study_case(config: StudyConfig, case: Case, text: np.ndarray) -> CaseResult:
    """Draw a model, measure it, train it, measure it again on the same batch. `text` holds bytes."""
    run_config = config.run_config(case)
    windows = torch.Generator().manual_seed(config.seed)
    with own_random_states(config.seed, "cpu"):
        model = TransformerLM.from_config(run_config.model)
        measured = draw_batch(text, run_config, windows)
        before = measure_signals(model, *measured)
        broke_down_at = train_some_steps(model, text, run_config, windows)
        after = measure_signals(model, *measured) if broke_down_at is None else None
    return CaseResult(case=case, before=before, after=after, broke_down_at=broke_down_at)


def train_some_steps(
    model: TransformerLM, text: np.ndarray, config: RunConfig, windows: torch.Generator
) -> int | None:
    """Take the steps of `config`; return the one at which loss or gradient is not finite, if any."""
    optimizer = new_optimizer(model, config)
    objective = NextTokenLoss(model)
    for step in range(1, config.training.steps + 1):
        try:
            train_step(objective, optimizer, draw_batch(text, config, windows), config, step)
        except NonFiniteError:
            return step
    return None


def draw_batch(text: np.ndarray, config: RunConfig, windows: torch.Generator) -> Batch:
    """Return random windows of the text."""
    return Batch(
        *get_batch(text, config.training.batch_size, config.model.context_length, "cpu", generator=windows)
    )
