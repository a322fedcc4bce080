"""The study from end to end: its text, its models, its report."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cs336_basics.experiments.init_study.report import write_study_report
from cs336_basics.experiments.init_study.study import StudyConfig
from cs336_basics.experiments.init_study.study_file import RESULTS_FILE, do_study, read_study
from cs336_basics.experiments.runs.source_file import describe_file
from cs336_basics.experiments.runs.text import documentation_text
from cs336_basics.files.atomic import make_folder
from cs336_basics.files.text import require_text_file
from cs336_basics.training.hold import hold
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.stop_signals import never


def run_study(
    config: StudyConfig,
    output: Path,
    *,
    data: Path | None = None,
    progress: bool = False,
    should_stop: Callable[[], bool] = never,
) -> None:
    """Study what has no results in `output` yet. An interrupted study goes on there.

    `data` is a text, None the documentation of Python, torch and numpy.
    """
    make_folder(output)
    with hold(RunFolder(output)):
        if data is None:
            text = documentation_text(output, progress=progress)
            path, label = text.train, text.label
        else:
            path, label = require_text_file(data), data.name
        description = {"label": label, **describe_file(path)}
        results = output / RESULTS_FILE
        text_bytes = np.memmap(path, dtype=np.uint8, mode="r")
        do_study(config, text_bytes, description, results, progress=progress, should_stop=should_stop)


def report_study(output: Path, report: Path) -> list[Path]:
    """Write the report on the results in `output`; return its files."""
    results = output / RESULTS_FILE
    if not results.is_file():
        raise FileNotFoundError(f"a report needs a study but there is none in {output}; make one there first")
    return write_study_report(read_study(results), report)
