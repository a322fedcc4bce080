"""A run small enough for unit tests: a few steps of a model with a vocabulary of 31 entries."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cs336_basics.data.mixture import TokenMixture
from cs336_basics.nn.config import ModelConfig
from cs336_basics.training.config import OptimizerConfig, RunConfig, TrainingConfig
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenData

CONFIG = RunConfig(
    model=ModelConfig(vocab_size=31, context_length=7, d_model=8, num_layers=2, num_heads=2, d_ff=11),
    optimizer=OptimizerConfig(learning_rate=1e-2, min_learning_rate=1e-3, warmup_steps=3),
    training=TrainingConfig(
        steps=12,
        batch_size=6,
        evaluation_interval=4,
        evaluation_tokens=40,
        checkpoint_interval=5,
        device="cpu",
        precision="fp32",
    ),
)


def with_training(**changes) -> RunConfig:
    return replace(CONFIG, training=replace(CONFIG.training, **changes))


def token_data() -> TokenData:
    generator = np.random.default_rng(5)
    ids = generator.integers(0, 31, size=500).astype(np.uint16)
    return TokenData(train=TokenMixture.by_size(ids[:400]), validation=ids[400:])


def run_folder(path: Path) -> RunFolder:
    run = RunFolder(path)
    run.create(job="test")
    return run
