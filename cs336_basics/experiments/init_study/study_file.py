"""A study and its results in one small file: from there it goes on, and its report is written."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cs336_basics.experiments.init_study.case_result import CaseResult, study_case
from cs336_basics.experiments.init_study.signals import Signals
from cs336_basics.experiments.init_study.study import Case, StudyConfig
from cs336_basics.files.json_file import read_json, write_json
from cs336_basics.training.differences import differences
from cs336_basics.training.hardware import describe_machine
from cs336_basics.training.stop_signals import never

RESULTS_FILE = "init-study.json"


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that a report needs."""

    settings: dict[str, Any]
    """The fields of `StudyConfig`."""
    text: dict[str, Any]
    """Label, size in bytes and SHA-256 of the text."""
    machine: dict[str, str | int]
    results: list[CaseResult]


def do_study(
    config: StudyConfig,
    text: np.ndarray,
    description: dict[str, Any],
    path: Path,
    *,
    progress: bool = False,
    should_stop: Callable[[], bool] = never,
) -> None:
    """Study the cases that `path` has no results of, and write it after each.

    `text` holds bytes, and `description` tells which text it is. A file of another study is a `ValueError`.
    """
    study = start_or_continue(config, description, path)
    done = [result.case for result in study.results]
    left = [case for case in config.cases() if case not in done]
    for case in tqdm(left, desc="models", unit="model", disable=not progress, dynamic_ncols=True):
        if should_stop():
            return
        study.results.append(study_case(config, case, text))
        write_json(path, asdict(study))


def start_or_continue(config: StudyConfig, description: dict[str, Any], path: Path) -> Study:
    """Return the study of the file; one without results if there is no file."""
    settings = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(config).items()}
    if not path.is_file():
        return Study(settings=settings, text=description, machine=describe_machine(), results=[])
    study = read_study(path)
    differing = differences(study.settings, settings, "settings")
    differing += differences(study.text, description, "text")
    if differing:
        raise ValueError(f"{path} belongs to another study ({'; '.join(differing)}); choose another --output")
    return study


def read_study(path: Path) -> Study:
    """Read what `do_study` wrote; anything else is a `ValueError` that names the file."""
    content = read_json(path)
    try:
        results = [case_result(entry) for entry in content.pop("results")]
        return Study(**content, results=results)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must hold a study of initialisation but does not ({error}); remove it"
        ) from None


def case_result(entry: dict[str, Any]) -> CaseResult:
    """Return what one entry of the file holds."""
    return CaseResult(
        case=Case(**entry["case"]),
        before=Signals(**entry["before"]),
        after=None if entry["after"] is None else Signals(**entry["after"]),
        broke_down_at=entry["broke_down_at"],
    )
