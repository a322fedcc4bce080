"""Time several actions in one process by turns, so that a slow second meets all of them."""

import time
from collections.abc import Callable, Mapping

from tests.benchmarks.comparison import Results
from tests.benchmarks.fresh_process import Measurement


def time_by_turns(actions: Mapping[str, Callable[[], object]], *, repetitions: int) -> Results:
    """Return the times of each action; a first round, which also prepares, is not counted."""
    results: Results = {name: [] for name in actions}
    for repetition in range(repetitions + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            seconds = time.perf_counter() - start
            if repetition > 0:
                results[name].append(Measurement(seconds, None, {}))
    return results
