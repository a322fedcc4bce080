"""`cs336 account`"""

import math
from dataclasses import dataclass
from typing import Annotated

import tyro

from cs336_basics.accounting.batch import Precision
from cs336_basics.accounting.engines import ParallelForm
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.accounting.parts.build import LossForm
from cs336_basics.accounting.presets import MODELS, ModelName
from cs336_basics.cli.command import Command
from cs336_basics.nn.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Account(Command):
    """Say what a model costs: parameters, memory, floating point operations, training time.

    Starts from a preset; each option changes one of its values.
    """

    preset: ModelName = "gpt2-xl"
    """Model to start from; `--preset NAME --help` shows its values as the defaults below."""
    model: ModelConfig = MODELS["gpt2-xl"]
    batch_size: Annotated[int, tyro.conf.arg(aliases=("--batch",))] = 1
    """Sequences of context_length tokens in one step of one process."""
    accumulation_steps: int = 1
    """Parts into which a batch is split to save memory; must divide batch_size."""
    recompute: bool = False
    """Keep only the input of each block and compute it again in the backward pass."""
    parallel: ParallelForm | None = None
    """How several processes share the work, as in `cs336 train`: ddp (None too) or fsdp."""
    num_processes: Annotated[int, tyro.conf.arg(aliases=("--processes",))] = 1
    """Their number. Memory and time are those of one, with a batch of its own."""
    precision: Annotated[Precision, tyro.conf.arg(aliases=("--dtype",))] = "fp32"
    """Type of matrix products; weights, gradients and moments are float32 in both cases."""
    optimizer: OptimizerName = "adamw"
    """Whose state and operations to count."""
    loss: LossForm = "chunked"
    """How cross-entropy is computed: chunked, as `cs336 train` does; plain, from all logits at once."""
    memory_gb: float = 80.0
    """Memory to fill, in units of 1e9 bytes."""
    peak_tflops: float = 495.0
    """Speed of the machine at best, in 1e12 operations a second; 495: an H100 in TF32."""
    utilization: float = 0.5
    """Share of that speed which training reaches."""
    steps: int = 400_000
    """Optimizer steps whose time to tell."""

    def __post_init__(self) -> None:
        for name in ("memory_gb", "peak_tflops"):
            number = getattr(self, name)
            if not (number > 0 and math.isfinite(number)):
                raise ValueError(f"{name} must be positive and finite but is {number}; give the machine's")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1 but is {self.steps}")

    def execute(self) -> None:
        """Print everything."""
        from cs336_basics.accounting.batch import Batch
        from cs336_basics.accounting.question import Question
        from cs336_basics.accounting.report import report

        batch = Batch(batch_size=self.batch_size, seq=self.model.context_length, precision=self.precision)
        question = Question(
            model=self.model,
            batch=batch,
            optimizer=self.optimizer,
            loss=self.loss,
            accumulation_steps=self.accumulation_steps,
            recompute=self.recompute,
            parallel=self.parallel,
            num_processes=self.num_processes,
            memory_bytes=self.memory_gb * 1e9,
            peak_flops=self.peak_tflops * 1e12,
            utilization=self.utilization,
            steps=self.steps,
        )
        print(report(question))
