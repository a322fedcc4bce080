"""Which windows a step sees, and reading those of the next step while the current one computes."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from cs336_basics.data.batching import inputs_and_targets
from cs336_basics.data.mixture import TokenMixture, draw_windows, read_windows
from cs336_basics.training.config import RunConfig
from cs336_basics.training.processes import ONE_PROCESS, Processes


class Batch(NamedTuple):
    """Windows of token ids on the device that trains."""

    inputs: Int64[Tensor, "batch seq"]
    targets: Int64[Tensor, "batch seq"]


def batch_of_step(
    data: TokenMixture, config: RunConfig, step: int, *, processes: Processes = ONE_PROCESS
) -> Batch:
    """Return what this process computes of the batch of a step: of several, each takes an equal part.

    The batch is drawn by a generator of its own, made from the seed and the step: a run that continues, and
    one of another number of processes, sees the same.
    """
    seeds = np.random.SeedSequence([config.training.seed, step])
    generator = torch.Generator().manual_seed(int(seeds.generate_state(1, np.uint64)[0]))
    context_length = config.model.context_length
    windows = draw_windows(data, config.training.batch_size, context_length, generator=generator)
    own_windows = read_windows(data, processes.own_part(windows), context_length)
    return Batch(*inputs_and_targets(own_windows, config.training.device))


def batches_of_steps(
    data: TokenMixture, config: RunConfig, steps: range, *, processes: Processes = ONE_PROCESS
) -> Generator[tuple[int, Batch], None, None]:
    """Yield each step with its batch; a thread draws and reads the next one meanwhile."""

    def prepare(step: int) -> Batch:
        return batch_of_step(data, config, step, processes=processes)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
        following = [thread.submit(prepare, step) for step in steps[:1]]
        for step in steps:
            batch = following.pop().result()
            if step + steps.step in steps:
                following.append(thread.submit(prepare, step + steps.step))
            yield step, batch
