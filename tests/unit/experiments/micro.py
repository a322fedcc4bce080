"""An experiment small enough for unit tests: two rates, one of which diverges, on a few kilobytes of text."""

from pathlib import Path

from cs336_basics.experiments.description.experiment import Experiment
from cs336_basics.experiments.description.experiment_file import read_experiment
from cs336_basics.experiments.runs.plan import PlannedRun
from cs336_basics.experiments.runs.run import prepare
from cs336_basics.quickstart.documentation_corpus import reference_topics

MICRO = """\
title = "Micro"
question = "Which rate?"
preset = "tiny"
seeds = [0, 1]
model = { vocab_size = 270, context_length = 7, d_model = 8, num_layers = 1, num_heads = 2, d_ff = 11 }
optimizer = { warmup_steps = 2, min_learning_rate = 0.0 }
vary.optimizer.learning_rate = [1e-2, 1e4]

[training]
steps = 12
batch_size = 13
evaluation_interval = 4
evaluation_tokens = 40
checkpoint_interval = 5
device = "cpu"
precision = "fp32"
"""


def micro_experiment(folder: Path, more: str = "", *, name: str = "micro", text: str = MICRO) -> Experiment:
    path = folder / f"{name}.toml"
    path.write_text(f"{text}{more}\n", encoding="utf-8")
    return read_experiment(path, "tiny")


def micro_text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text("".join(f"{topic}\n<|endoftext|>\n" for topic in reference_topics()[:2]), "utf-8")
    return path


def micro_plans(folder: Path, more: str = "", **how) -> list[PlannedRun]:
    experiment = micro_experiment(folder, more, **how)
    return prepare(experiment, folder / "out", data=(micro_text(folder),), progress=False)
