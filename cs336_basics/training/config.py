"""What can be chosen about a training run. Plain data, without torch: the command line reads it too."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cs336_basics.nn.config import ModelConfig, check_choices
from cs336_basics.training.typed_values import LARGEST_INTEGER, built

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp64"]
OptimizerName = Literal["adamw", "sgd", "muon"]
ScheduleName = Literal["cosine", "wsd", "constant"]


LARGEST_FLOAT32 = 3.4e38


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """The optimizer, its schedule and the clipping of gradients."""

    optimizer: OptimizerName = "adamw"
    """What updates the weights: adamw; sgd, without momentum and weight decay; muon, for the matrices of the
    blocks, with adamw for embedding, head and norms."""
    schedule: ScheduleName = "cosine"
    """What follows the warm-up: cosine, down to the minimum; wsd (warmup-stable-decay), the highest rate and
    at the end a linear decay to the minimum; constant, the highest rate."""
    learning_rate: float = 1e-3
    """The highest learning rate, reached at the end of the warm-up."""
    min_learning_rate: float | None = None
    """The learning rate at the end of the cosine, or of the decay of wsd, and after it; None: a tenth of
    learning_rate."""
    warmup_steps: int = 100
    """Steps of the linear warm-up from 0."""
    cosine_steps: int | None = None
    """The step at which the cosine ends; None: the last one."""
    decay_share: float = 0.2
    """Which share of all steps, the last ones, the decay of wsd takes."""
    beta1: float = 0.9
    """How much of AdamW's running mean of gradients is kept at each step."""
    beta2: float = 0.95
    """How much of AdamW's running mean of squared gradients is kept at each step."""
    eps: float = 1e-8
    """Added to the root of AdamW's mean square before the division."""
    muon_momentum: float = 0.95
    """How much of Muon's running sum of gradients is kept at each step."""
    muon_update_rms: float = 0.2
    """The root mean square of the entries of Muon's updates, as a multiple of the learning rate. AdamW's is
    usually 0.2 to 0.4 of it, so this sets how fast matrices learn beside the embedding and the head."""
    weight_decay: float = 0.1
    """The share of each weight, times the learning rate, that a step takes away."""
    max_gradient_norm: float = 1.0
    """Gradients whose global norm is larger are scaled down to it."""

    def __post_init__(self) -> None:
        for name in (
            "learning_rate",
            "min_learning_rate",
            "warmup_steps",
            "weight_decay",
            "eps",
            "muon_update_rms",
        ):
            value = getattr(self, name)
            if value is not None and not value >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative but is {value}")
            if value is not None and value > LARGEST_FLOAT32:
                raise ValueError(f"{name} must be a number that float32 has but is {value}")
        for name in ("beta1", "beta2", "muon_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1) but is {getattr(self, name)}")
        if self.cosine_steps is not None and self.cosine_steps < 1:
            raise ValueError(f"cosine_steps must be at least 1 but is {self.cosine_steps}")
        if not 0 < self.decay_share <= 1:
            raise ValueError(f"decay_share must lie in (0, 1] but is {self.decay_share}")
        if self.min_learning_rate is not None and self.min_learning_rate > self.learning_rate:
            raise ValueError(
                f"min_learning_rate must not exceed learning_rate but {self.min_learning_rate} exceeds "
                f"{self.learning_rate}; change one of the two, or leave the first one out"
            )
        if not self.max_gradient_norm > 0:
            raise ValueError(f"max_gradient_norm must be positive but is {self.max_gradient_norm}")
        check_choices(self, {"optimizer": get_args(OptimizerName), "schedule": get_args(ScheduleName)})

    @property
    def lowest_learning_rate(self) -> float:
        """`min_learning_rate`, or a tenth of the highest where none was given."""
        return self.learning_rate / 10 if self.min_learning_rate is None else self.min_learning_rate


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How long, in which portions, and on what to train."""

    steps: int
    """Optimizer steps in all."""
    batch_size: int = 32
    """Sequences of context_length tokens in one optimizer step, however they are split."""
    accumulation_steps: int = 1
    """Parts into which a batch is split to save memory; must divide batch_size."""
    recompute: bool = False
    """Keep only the input of each block and compute it again in the backward pass: less memory, more time."""
    evaluation_interval: int = 200
    """Steps between two evaluations on validation tokens (and one after the last step)."""
    evaluation_tokens: int | None = 200_000
    """About how many validation tokens an evaluation scores; the last one scores all besides. None: all."""
    checkpoint_interval: int = 200
    """Steps between two checkpoints (and one after the last step)."""
    device: Device = "auto"
    """Where to compute; auto: CUDA if there is any, else Apple's GPU, else the CPU."""
    precision: Precision = "auto"
    """The type of matrix products (weights stay float32); auto: bf16 where it is faster. fp64: everything in
    float64, to compare computations."""
    compile: bool = False
    """Compile the blocks and the last norm with torch.compile, where there is a compiler (on Apple's GPU it
    only traces)."""
    seed: int = 0
    """Decides the first weights and which windows each step sees."""

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch_size",
            "accumulation_steps",
            "evaluation_interval",
            "checkpoint_interval",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1 but is {getattr(self, name)}")
        if self.batch_size % self.accumulation_steps != 0:
            raise ValueError(
                f"accumulation_steps must divide batch_size but {self.accumulation_steps} does not divide "
                f"{self.batch_size}; change one of the two"
            )
        check_choices(self, {"device": get_args(Device), "precision": get_args(Precision)})
        if self.evaluation_tokens is not None and self.evaluation_tokens < 2:
            raise ValueError(f"evaluation_tokens must be at least 2 but is {self.evaluation_tokens}")
        if not 0 <= self.seed < LARGEST_INTEGER:
            raise ValueError(f"seed must lie in 0..2^63 - 1 but is {self.seed}")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides what a run computes, but for the data."""

    model: ModelConfig
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig

    @property
    def cosine_steps(self) -> int:
        """The step at which the learning rate of the cosine schedule reaches its minimum."""
        return self.training.steps if self.optimizer.cosine_steps is None else self.optimizer.cosine_steps

    @property
    def decay_steps(self) -> int:
        """Steps that the decay of wsd takes, at least 1."""
        return max(1, round(self.optimizer.decay_share * self.training.steps))

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one optimizer step sees."""
        return self.training.batch_size * self.model.context_length

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries and values, as JSON holds them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Undo `to_dict`; a `ValueError` names what is missing, unknown, or of another type."""
        parts = {"model": ModelConfig, "optimizer": OptimizerConfig, "training": TrainingConfig}
        for name in parts:
            if not isinstance(values.get(name), dict):
                raise ValueError(f"the configuration of a run has a part {name!r} but this one has none")
        return cls(**{name: built(part, values[name], name) for name, part in parts.items()})
