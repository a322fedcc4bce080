"""The report and the study that come with the package, against the results that come with them."""

import json
import re
import statistics
from pathlib import Path

import pytest

import cs336_basics
from cs336_basics.experiments.description.shipped import shipped_names
from cs336_basics.experiments.init_study.run import report_study
from cs336_basics.experiments.report.whole_report import write_report

FOLDER = Path(cs336_basics.__file__).parent / "experiments"
RESULTS, REPORT, STUDY = FOLDER / "results", FOLDER / "REPORT.md", FOLDER / "INIT_STUDY.md"
ABLATIONS = ("no-norm", "post-norm", "no-position", "silu", "init", "tied", "optimizer", "leaderboard")


def stored(name: str) -> dict:
    return json.loads((RESULTS / name / "results.json").read_text(encoding="utf-8"))


def section(name: str) -> str:
    """Return the part of the report about an experiment."""
    parts = re.split(r"^## ", REPORT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return next(part for part in parts if f"\n{name}, scale tiny. " in part)


def row(text: str, first_cell: str) -> list[str]:
    """Return the cells of the line of a table that begins with `first_cell`."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first_cell} |"))
    return line.strip("| ").split(" | ")


@pytest.mark.parametrize("name", shipped_names())
def test_every_experiment_has_all_its_results_at_the_tiny_scale(name):
    content = stored(name)
    done = [f"{run['variant']}-seed{run['seed']}" for run in content["runs"]]
    assert content["scale"] == "tiny"
    assert sorted(done) == sorted(content["planned"])
    seeds = dict.fromkeys((run["variant"] for run in content["runs"]), 0)
    for run in content["runs"]:
        seeds[run["variant"]] += 1
    assert name not in ABLATIONS or min(seeds.values()) >= 2


@pytest.mark.parametrize("name", shipped_names())
def test_numbers_of_the_report_are_those_of_the_results(name):
    content, text = stored(name), section(name)
    several_tokenizers = len({run["data"]["tokenizer"] for run in content["runs"]}) > 1
    for variant in dict.fromkeys(run["variant"] for run in content["runs"]):
        runs = [run for run in content["runs"] if run["variant"] == variant]
        cells = row(text, variant)
        assert cells[1] == ", ".join(str(run["seed"]) for run in runs)
        if several_tokenizers:
            assert cells[2] == f"{statistics.fmean(run['bits_per_byte'] for run in runs):.4f}"
        elif all(run["diverged"] is None for run in runs):
            losses = [run["validation_loss"] for run in runs]
            expected = [statistics.fmean(losses), min(losses), max(losses)]
            assert cells[2:5] == [f"{loss:.4f}" for loss in expected]
        else:
            diverged = sum(run["diverged"] is not None for run in runs)
            assert cells[2] == f"diverged in {diverged} of {len(runs)}"


@pytest.mark.endurance  # it draws all pictures, which takes seconds
def test_report_is_what_the_command_makes_of_the_results(tmp_path):
    write_report(RESULTS, tmp_path / "REPORT.md")
    assert (tmp_path / "REPORT.md").read_text(encoding="utf-8") == REPORT.read_text(encoding="utf-8")


@pytest.mark.endurance
def test_study_is_what_the_command_makes_of_its_results(tmp_path):
    report_study(RESULTS, tmp_path / "INIT_STUDY.md")
    assert (tmp_path / "INIT_STUDY.md").read_text(encoding="utf-8") == STUDY.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [REPORT, STUDY], ids=lambda page: page.name)
def test_pictures_are_there_and_small(page):
    text = page.read_text(encoding="utf-8")
    named = {page.parent / path for path in re.findall(r"\]\((\S+\.png)\)", text)}
    there = set((page.parent / f"{page.stem}-pictures").iterdir())
    assert named == there
    assert len(named) > 0


def test_all_pictures_together_are_small():
    sizes = [path.stat().st_size for path in FOLDER.glob("*-pictures/*.png")]
    assert 0 < sum(sizes) < 1.5e6
