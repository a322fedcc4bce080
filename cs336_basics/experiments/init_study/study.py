"""What is studied: every rule at several depths, with norms and without."""

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

from cs336_basics.experiments.description.experiment import require_distinct
from cs336_basics.nn.config import InitRule, ModelConfig
from cs336_basics.training.config import OptimizerConfig, RunConfig, TrainingConfig

StudiedNorm = Literal["pre", "none"]
BYTES = 256  # the vocabulary: each byte of the text is a token, so no tokenizer plays a part


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model of the study."""

    norm: StudiedNorm
    depth: int
    rule: InitRule


FIRST_CASE: dict[str, Any] = {"norm": "pre", "depth": 1, "rule": "trunc_normal"}


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """What to study, and on models of which size."""

    rules: tuple[InitRule, ...] = get_args(InitRule)
    """Rules of initialisation to compare."""
    depths: tuple[int, ...] = (4, 16, 64)
    """Numbers of blocks."""
    norms: tuple[StudiedNorm, ...] = get_args(StudiedNorm)
    """With a norm before each part, and without any."""
    steps: int = 200
    """Optimizer steps before the second measurement."""
    learning_rate: float = 1e-3
    """Of AdamW, reached after a tenth of the steps and kept."""
    d_model: int = 64
    """Features of the residual stream; must be a multiple of 4, the number of heads."""
    context_length: int = 32
    """Bytes of text in a window."""
    batch_size: int = 8
    """Windows in a step, and in a measurement."""
    seed: int = 0
    """Decides weights and windows."""

    def __post_init__(self) -> None:
        for name in ("depths", "norms", "rules"):
            require_distinct(name, getattr(self, name))
            for value in getattr(self, name):
                self.run_config(Case(**{**FIRST_CASE, name.removesuffix("s"): value}))

    def run_config(self, case: Case) -> RunConfig:
        """Return the settings of one model; a value out of range is a `ValueError` here."""
        return RunConfig(
            model=ModelConfig(
                vocab_size=BYTES,
                context_length=self.context_length,
                d_model=self.d_model,
                num_layers=case.depth,
                num_heads=4,
                norm=case.norm,
                init=case.rule,
            ),
            optimizer=OptimizerConfig(
                schedule="constant",
                learning_rate=self.learning_rate,
                warmup_steps=self.steps // 10,
            ),
            training=TrainingConfig(
                steps=self.steps, batch_size=self.batch_size, device="cpu", precision="fp32", seed=self.seed
            ),
        )

    def cases(self) -> list[Case]:
        """Return every combination."""
        return [
            Case(norm=norm, depth=depth, rule=rule)
            for norm, depth, rule in product(self.norms, self.depths, self.rules)
        ]
