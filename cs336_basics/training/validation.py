"""Score validation tokens in a run's precision and on its device."""

import numpy as np

from cs336_basics.evaluation.held_out_loss import EvaluationResult, evaluate
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import autocast


def validate(
    model: TransformerLM, dataset: np.ndarray, config: RunConfig, *, whole: bool = True
) -> EvaluationResult:
    """Score all tokens, or the first `evaluation_tokens` of them."""
    limit = None if whole else config.training.evaluation_tokens
    with autocast(config.training):
        return evaluate(
            model,
            dataset[:limit],
            batch_size=config.training.batch_size // config.training.accumulation_steps,
            context_length=config.model.context_length,
            device=config.training.device,
        )
