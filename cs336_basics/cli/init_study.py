"""`cs336 init-study`"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.cli.stopping import exit_if_stopped, say_that_it_stops
from cs336_basics.experiments.init_study.study import StudyConfig


@dataclass(frozen=True, kw_only=True)
class InitStudy(Command):
    """Show why the initialisation matters: signals by layer, for every rule, depth, with norms and without.

    Writes a report with pictures. Give the same command again to continue after an interruption.
    """

    data: Path | None = None
    """A text to learn from; None: the documentation of Python, torch and numpy."""
    output: Path = Path("runs/init-study")
    """Folder where everything goes."""
    report: Path | None = None
    """Markdown file to write, its HTML and pictures beside it; None: INIT_STUDY.md in that folder."""
    report_only: bool = False
    """Write the report on the results that are there, and study nothing."""
    study: Annotated[StudyConfig, tyro.conf.arg(name="")] = field(default_factory=StudyConfig)

    can_continue: ClassVar[bool] = True

    def execute(self) -> None:
        """Study what is left to study, and write the report."""
        from cs336_basics.training.stop_signals import StopRequest

        stop = StopRequest(enabled=not self.report_only, on_signal=say_that_it_stops)
        with stop:
            from cs336_basics.experiments.init_study.run import report_study, run_study

            if not self.report_only:
                run_study(self.study, self.output, data=self.data, progress=True, should_stop=stop)
        exit_if_stopped(stop)
        report = self.output / "INIT_STUDY.md" if self.report is None else self.report
        written = report_study(self.output, report)
        print(f"wrote {written[0]}, {written[1]} and {len(written) - 2} pictures")
