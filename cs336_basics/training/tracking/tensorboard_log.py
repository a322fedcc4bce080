"""The numbers of a run as TensorBoard reads them: an event file for each process that worked on the run."""

from collections.abc import Iterator
from contextlib import contextmanager

from cs336_basics.files.failed_write import explain_failed_write
from cs336_basics.files.inside import refuse_link
from cs336_basics.training.config import RunConfig
from cs336_basics.training.metrics import Metrics
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.tracking.tracker import Log, numbers_to_log


@contextmanager
def tensorboard_log(run: RunFolder, config: RunConfig, *, after_step: int) -> Iterator[Log]:
    """Write scalars, float32 as all of TensorBoard's, under the names that metrics.jsonl has.

    Each step is in the file when it is logged. A new file tells TensorBoard to forget what older files have
    of the steps that follow.
    """
    from torch.utils.tensorboard import SummaryWriter

    refuse_link(run.tensorboard)
    with explain_failed_write(run.tensorboard):
        writer = SummaryWriter(str(run.tensorboard), purge_step=after_step + 1)

        def log(metrics: Metrics) -> None:
            for name, value in numbers_to_log(metrics).items():
                writer.add_scalar(name, value, metrics["step"])
            writer.flush()

        try:
            yield log
        finally:
            writer.close()
