import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cs336_basics.experiments.document.blocks import Bullets, Heading, Paragraph, Picture, Table
from cs336_basics.experiments.document.html_page import to_html
from cs336_basics.experiments.document.markdown_page import to_markdown
from cs336_basics.experiments.report.pictures import limits
from cs336_basics.experiments.report.whole_report import write_report
from cs336_basics.experiments.runs.results_file import Results
from cs336_basics.files.json_file import write_json
from tests.unit.experiments.stored import stored_results, stored_run, sweep

PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"


def store(results: Results, folder: Path) -> None:
    content = dataclasses.asdict(results)
    del content["folder"]
    (folder / results.name).mkdir(parents=True)
    write_json(folder / results.name / "results.json", content)


def rows_of(markdown: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("| ")]


def test_report_has_the_stored_numbers_in_markdown_and_in_one_html_page(tmp_path):
    store(sweep(), tmp_path)
    written = write_report(tmp_path, tmp_path / "REPORT.md")
    assert [path.name for path in written] == [
        "REPORT.md", "REPORT.html", "mine-curves.png", "mine-sweep.png",
    ]  # fmt: skip
    markdown, page = (path.read_text(encoding="utf-8") for path in written[:2])
    assert ["learning_rate=0.02", "0, 1", "4.2500", "4.1250", "4.3750", "2.1250", "4.2500", "2.0"] in rows_of(
        markdown
    )
    assert rows_of(markdown)[2][:5] == ["mine", "tiny", "text.txt", "6 of 6", "1"]
    assert "python 3, torch 2: mine." in markdown
    for picture in written[2:]:
        assert picture.read_bytes().startswith(PNG_BEGINNING)
        assert f"](REPORT-pictures/{picture.name})" in markdown
        assert picture.stat().st_size < 100_000
    numbers = re.compile(r"\d+\.\d{4}")
    assert sorted(numbers.findall(markdown)) == sorted(numbers.findall(re.sub('base64,[^"]*', "", page)))
    assert set(re.findall(r'(?:src|href)="(.{5})', page)) == {"data:"}


def test_axis_of_losses_shows_all_but_what_diverged_upwards():
    curve = {"step": [6, 12], "seconds": [1.0, 2.0], "loss": [5.0, 3000.0]}
    runs = [stored_run("a", loss=4.5), stored_run("b", validation_curve=curve, diverged="it did")]
    assert limits(stored_results(runs)) == pytest.approx((4.5 - 0.125, 7.0 + 0.125))


def test_report_written_again_is_the_same(tmp_path):
    store(sweep(), tmp_path)
    written = write_report(tmp_path, tmp_path / "REPORT.md")
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_report(tmp_path, tmp_path / "REPORT.md")] == before


def test_report_on_an_experiment_without_any_result_yet_says_so(tmp_path):
    store(stored_results([], planned=["a-seed0"]), tmp_path)
    write_report(tmp_path, tmp_path / "REPORT.md")
    assert "1 of 1 runs have no result yet" in (tmp_path / "REPORT.md").read_text(encoding="utf-8")


def test_report_on_a_single_diverged_run_has_its_curve(tmp_path):
    empty = {"step": [], "seconds": [], "loss": []}
    run = stored_run("a", 0, None, diverged="why", first_loss=None, curve=empty, validation_curve=empty)
    store(stored_results([run]), tmp_path)
    assert len(write_report(tmp_path, tmp_path / "REPORT.md")) == 3


def test_report_without_results_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a report needs results but .* has none; run an experiment"):
        write_report(tmp_path, tmp_path / "REPORT.md")


HARD = 'a|b `c` *d* __e__ f_g <h> [i](j) \\ # ~k~\nl & "m"'


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def test_any_text_is_shown_as_it_is():
    blocks = [
        Heading(1, HARD),
        Paragraph(HARD),
        Bullets([HARD]),
        Table(["x"], [[HARD]]),
        Picture("p", HARD, b"3"),
    ]
    page = to_html(blocks, title=HARD)
    texts = Texts()
    texts.feed(page)
    assert texts.found.count(HARD) == 5  # the title too; the description of a picture is no text
    markdown = to_markdown(blocks, picture_folder="pictures")
    row = markdown.split("| --- |\n")[1].splitlines()[0]
    assert row == r'| a\|b \`c\` \*d\* \_\_e\_\_ f_g \<h\> \[i\](j) \\ \# \~k\~ ⏎ l & "m" |'
    assert markdown.endswith("](pictures/p.png)\n")


@pytest.mark.parametrize("name", ["x.html", "results.json", "x"])
def test_report_that_would_overwrite_its_page_or_results_is_refused(tmp_path, name):
    store(sweep(), tmp_path)
    with pytest.raises(ValueError, match=rf"must end in \.md but is '{name}'; take"):
        write_report(tmp_path, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
