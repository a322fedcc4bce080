"""`cs336 experiment list | run | report`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.cli.stopping import exit_if_stopped, say_that_it_stops
from cs336_basics.experiments.description.experiment import Scale


@dataclass(frozen=True, kw_only=True)
class ExperimentList(Command):
    """List the experiments that come with the package."""

    scale: Scale = "tiny"
    """At which scale to count the runs."""

    def execute(self) -> None:
        """Print a line for each."""
        from cs336_basics.experiments.description.listing import listing

        print(listing(self.scale))


@dataclass(frozen=True, kw_only=True)
class ExperimentRun(Command):
    """Do the runs of an experiment that are not done yet.

    A run whose result is there is kept, one that was interrupted goes on, and one that diverges is a result.
    """

    name: Annotated[str, tyro.conf.Positional]
    """One that `cs336 experiment list` shows, or the path of your own .toml file."""
    scale: Scale = "tiny"
    """tiny: minutes on a CPU; small: the course's low-resource budget; course: its full one."""
    data: tuple[Path, ...] = ()
    """A text (the last 5% are held out), or a text and one to measure on, or the folder of a tokenizer and
    one or two token files; none: at the scale tiny the quickstart's text."""
    output: Path | None = None
    """Folder where everything goes; None: runs/experiments and the scale."""
    jobs: int = 1
    """Runs at once, each with its share of the CPUs."""

    can_continue: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ValueError(f"jobs must be at least 1 but is {self.jobs}; 1 does one run after another")

    def execute(self) -> None:
        """Run and say what came out."""
        from cs336_basics.experiments.description.experiment_file import read_experiment
        from cs336_basics.experiments.description.shipped import find_experiment
        from cs336_basics.training.stop_signals import StopRequest

        experiment = read_experiment(find_experiment(self.name), self.scale)
        output = default_output(self.scale) if self.output is None else self.output
        stop = StopRequest(on_signal=say_that_it_stops)
        with stop:
            from cs336_basics.experiments.runs.run import run_experiment

            run_experiment(
                experiment,
                output,
                data=self.data,
                jobs=self.jobs,
                say=print,
                progress=self.jobs == 1,
                should_stop=stop,
            )
        exit_if_stopped(stop)
        print(f"the results are in {output / experiment.name}")


@dataclass(frozen=True, kw_only=True)
class ExperimentReport(Command):
    """Write one report on all experiments that have results: Markdown with pictures, and an HTML page."""

    scale: Scale = "tiny"
    """On the runs of which scale."""
    output: Path | None = None
    """Folder where `cs336 experiment run` put everything; None: runs/experiments and the scale."""
    report: Path | None = None
    """Markdown file to write, its HTML and pictures beside it; None: REPORT.md in that folder."""

    def execute(self) -> None:
        """Write and say where."""
        from cs336_basics.experiments.report.whole_report import write_report

        output = default_output(self.scale) if self.output is None else self.output
        report = output / "REPORT.md" if self.report is None else self.report
        written = write_report(output, report)
        print(f"wrote {written[0]}, {written[1]} and {len(written) - 2} pictures")


def default_output(scale: Scale) -> Path:
    """Return where the runs of a scale go unless told."""
    return Path("runs") / "experiments" / scale


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The course's sweeps and ablations, or your own: list them, run them, report on them."""

    action: (
        Annotated[ExperimentList, tyro.conf.subcommand("list")]
        | Annotated[ExperimentRun, tyro.conf.subcommand("run")]
        | Annotated[ExperimentReport, tyro.conf.subcommand("report")]
    )
