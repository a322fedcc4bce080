"""Measure the same task with several libraries by turns, and compare the first of them with the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from tests.benchmarks.fresh_process import Measurement, measure_in_fresh_process
from tests.benchmarks.table import spread, three_digits

HEADER = ("task", "library", "median", "spread", "MB/s", "ours / this", "asked at most", "aim at most")


@dataclass(frozen=True)
class Subject:
    """What is run for one library: "package.module:function" and its settings."""

    function: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """The most that is asked, and what is aimed at."""

    asked: float | None = None
    aim: float | None = None


@dataclass(frozen=True)
class Task:
    """Something that several libraries do; the first subject is compared with each of the others.

    The target of another library is one of the ratio of ours to it; that of the first library is one of
    the measured number itself, in `unit`. `megabytes` is how much text is gone through.
    """

    name: str
    unit: Literal["s", "MB"]
    subjects: Mapping[str, Subject]
    targets: Mapping[str, Target] = field(default_factory=dict)
    megabytes: float | None = None


Results = dict[str, list[Measurement]]


def measure(
    task: Task, *, repetitions: int, environment: Mapping[str, str], say: Callable[[str], None]
) -> Results:
    """Run every subject `repetitions` times; they take turns, so that a slow minute meets all of them."""
    results: Results = {library: [] for library in task.subjects}
    for repetition in range(1, repetitions + 1):
        for library, subject in task.subjects.items():
            measurement = measure_in_fresh_process(
                subject.function,
                subject.settings,
                environment=environment,
                sample_memory=task.unit == "MB",
            )
            results[library].append(measurement)
            value = three_digits(_value(task, measurement))
            say(f"{task.name}, {library}, {repetition} of {repetitions}: {value} {task.unit}")
    return results


def rows(task: Task, results: Results) -> list[tuple[str, ...]]:
    """Return a row of the table for each subject, under `HEADER`."""
    values = {library: [_value(task, each) for each in measured] for library, measured in results.items()}
    medians = {library: median(numbers) for library, numbers in values.items()}
    ours = next(iter(medians))
    lines = []
    for library, middle in medians.items():
        is_ours = library == ours
        ratio = medians[ours] / middle
        target = task.targets.get(library, Target())
        compared = middle if is_ours else ratio
        lines.append(
            (
                task.name if is_ours else "",
                library,
                f"{three_digits(middle)} {task.unit}",
                spread(values[library], task.unit),
                three_digits(task.megabytes / middle) if task.megabytes and task.unit == "s" else "",
                "" if is_ours else three_digits(ratio),
                _verdict(compared, target.asked, task.unit if is_ours else ""),
                _verdict(compared, target.aim, task.unit if is_ours else ""),
            )
        )
    return lines


def _value(task: Task, measurement: Measurement) -> float:
    if task.unit == "s":
        return measurement.seconds
    assert measurement.peak_bytes is not None, "memory was not sampled"
    return measurement.peak_bytes / 1e6


def _verdict(value: float, most: float | None, unit: str) -> str:
    if most is None:
        return ""
    return f"{most:g} {unit}".rstrip() + (": met" if value <= most else ": missed")
