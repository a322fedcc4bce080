"""What a report is about."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.engines import Engine, ParallelForm, check_optimizer, engine_of
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.accounting.parts.build import LossForm
from cs336_basics.nn.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one wants to know the cost of, and on what machine."""

    model: ModelConfig
    batch: Batch
    optimizer: OptimizerName = "adamw"
    loss: LossForm = "chunked"
    accumulation_steps: int = 1
    recompute: bool = False
    parallel: ParallelForm | None = None
    num_processes: int = 1
    """Each takes a batch like `batch`. Memory and time are those of one; its update counts all weights."""
    memory_bytes: float = 80e9
    peak_flops: float = 495e12
    utilization: float = 0.5
    steps: int = 400_000

    def __post_init__(self) -> None:
        check_optimizer(self.parallel, self.optimizer)

    @property
    def engine(self) -> Engine:
        """What the processes share, and what that takes of memory."""
        return engine_of(self.parallel, self.num_processes)


def setting(question: Question) -> str:
    """Return in a few words what is trained and how."""
    batch = question.batch
    words = [
        f"batch {batch.batch_size:,} of {batch.seq:,} tokens",
        batch.precision,
        f"{question.model.attention} attention",
        f"{question.loss} loss",
    ]
    if question.accumulation_steps > 1:
        words.append(f"in {question.accumulation_steps} parts")
    if question.recompute:
        words.append("blocks computed again")
    return ", ".join(words)
