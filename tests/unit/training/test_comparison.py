import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import image

from cs336_basics.cli.plot import Plot
from cs336_basics.training.comparison import doubts, open_runs
from cs336_basics.training.comparison_picture import (
    IncomparableRunsWarning,
    comparison_figure,
    draw_comparison,
    time_unit,
)

DATA = {"tokenizer": "one", "train": {"num_tokens": 7}, "validation": {"num_tokens": 3}}


def write_run(path: Path, *, steps=11, planned=11, tail="", seconds_per_step=0.5, **data) -> Path:
    """A run as `train` leaves it: validated each third step."""
    path.mkdir(parents=True)
    config = {"training": {"steps": planned}, "data": {**DATA, **data}}
    (path / "config.json").write_text(json.dumps(config))
    lines = [
        {
            "step": step,
            "seconds": step * seconds_per_step,
            "tokens": 13 * step,
            "loss": 5 / step,
            "validation_loss": 6 / step if step % 3 == 0 else None,
        }
        for step in range(1, steps + 1)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (path / "metrics.jsonl").write_text(text + tail)
    return path


def curves(figure, panel):
    """Return the points of each curve: for each run training and validation."""
    lines = [line.get_xydata().tolist() for line in figure.axes[panel].lines]
    return list(zip(lines[::2], lines[1::2], strict=True))


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_each_panel_has_the_curves_of_all_runs_however_long(tmp_path):
    runs = open_runs([write_run(tmp_path / "a"), write_run(tmp_path / "b", steps=5, planned=5)])
    figure = comparison_figure(runs)
    for panel, of_step in enumerate((1, 13, 0.5)):
        for (training, validation), steps in zip(curves(figure, panel), (11, 5), strict=True):
            every, third = range(1, steps + 1), range(3, steps + 1, 3)
            assert_close(training, [[step * of_step, 5 / step] for step in every])
            assert_close(validation, [[step * of_step, 6 / step] for step in third])
    assert [panel.get_xlabel() for panel in figure.axes] == ["steps", "tokens", "time in seconds"]
    assert legend_texts(figure) == ["a", "b", "training, smoothed", "validation"]
    assert figure.get_suptitle() == ""


def test_training_losses_are_smoothed_over_the_same_number_of_steps_in_all_runs(tmp_path):
    runs = open_runs([write_run(tmp_path / "a", steps=101), write_run(tmp_path / "b")])
    (long, _), (short, _) = curves(comparison_figure(runs), 0)
    expected = [5, (5 + 5 / 2 + 5 / 3) / 3]
    assert [loss for _, loss in long[:2]] == pytest.approx(expected)
    assert [loss for _, loss in short[:2]] == pytest.approx(expected)


def test_a_run_that_is_still_going_has_its_complete_lines_and_says_where_it_is(tmp_path):
    run = write_run(tmp_path / "a", steps=5, planned=1100, tail='{"step": 6, "los')
    figure = comparison_figure(open_runs([run]))
    assert len(curves(figure, 0)[0][0]) == 5
    assert legend_texts(figure)[0] == "a (step 5 of 1,100)"


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path, monkeypatch):
    for name in ("x/run", "y/run", "other"):
        write_run(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    runs = open_runs([Path("x/run"), Path("y/run"), Path("other")])
    assert [run.name for run in runs] == ["x/run", "y/run", "other"]


def test_each_of_many_runs_has_a_color_of_its_own(tmp_path):
    figure = comparison_figure(open_runs([write_run(tmp_path / f"run-{index}") for index in range(13)]))
    assert len({line.get_color() for line in figure.axes[0].lines}) == 13


@pytest.mark.parametrize(
    ("seconds_per_step", "unit"), [(0.5, "seconds"), (10, "seconds"), (11, "minutes"), (1000, "hours")]
)
def test_time_has_a_unit_that_suits_the_longest_run(tmp_path, seconds_per_step, unit):
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", seconds_per_step=seconds_per_step)]
    assert time_unit(open_runs(runs))[0] == unit


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, []),
        ({"tokenizer": None}, []),
        ({"tokenizer": "two", "train": 2, "validation": 2}, ["the tokenizers differ"]),
        ({"validation": {"num_tokens": 5}}, ["the validation tokens differ"]),
        ({"train": {"num_tokens": 5}}, ["the training tokens differ"]),
        ({"tokenizer": None, "train": 2, "validation": 2}, ["training tokens", "validation tokens"]),
    ],
)
def test_losses_that_do_not_compare_are_named(tmp_path, data, told):
    found = doubts(open_runs([write_run(tmp_path / "a"), write_run(tmp_path / "b", **data)]))
    assert len(found) == len(told)
    assert all(part in doubt for part, doubt in zip(told, found, strict=True))


def test_the_command_writes_the_picture_and_warns_of_losses_that_do_not_compare(tmp_path, capsys):
    runs = (write_run(tmp_path / "a"), write_run(tmp_path / "b", tokenizer="two"))
    with pytest.warns(IncomparableRunsWarning, match="the tokenizers differ"):
        Plot(runs=runs, output=tmp_path / "two.png").execute()
    assert capsys.readouterr().out == f"the picture is {tmp_path / 'two.png'}\n"
    assert image.imread(tmp_path / "two.png").std() > 0.01, "it is not blank"
    assert "the tokenizers differ" in comparison_figure(open_runs(runs)).get_suptitle()


def test_the_name_of_the_picture_says_its_format(tmp_path):
    runs = open_runs([write_run(tmp_path / "a")])
    for name in ("a.png", "a.svg", "a.pdf"):
        draw_comparison(runs, tmp_path / name)
    assert image.imread(tmp_path / "a.png").shape[2] == 4
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg, \.pdf but is a\.gif"):
        draw_comparison(runs, tmp_path / "a.gif")


def test_a_run_without_metrics_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"after its first step but .*a has no metrics yet; train it first$"):
        open_runs([write_run(tmp_path / "a", steps=0)])
    (tmp_path / "a" / "metrics.jsonl").unlink()
    with pytest.raises(ValueError, match="has no metrics yet"):
        open_runs([tmp_path / "a"])


def test_metrics_of_something_else_are_one_sentence(tmp_path):
    run = write_run(tmp_path / "a", tail='{"step": 12}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl line 12 has no tokens; restore or remove it$"):
        open_runs([run])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": "x"}, "loss must be a number but is 'x'"),
        ({"loss": None}, "loss must be a number but is None"),
        ({"seconds": None}, "seconds must be a number but is None"),
        ({"tokens": 10**400}, "tokens must be a whole number but is 1000"),
        ({"step": True}, "step must be a whole number but is True"),
        ({"validation_loss": "x"}, "validation_loss must be a number but is 'x'"),
    ],
    ids=str,
)
def test_a_damaged_number_is_named_with_its_line(tmp_path, values, message):
    line = {"step": 3, "seconds": 1, "tokens": 39, "loss": 1, "validation_loss": None, **values}
    run = write_run(tmp_path / "a", steps=2, tail=json.dumps(line) + "\n")
    with pytest.raises(ValueError, match=rf"metrics\.jsonl line 3: {message}.*; correct it$"):
        open_runs([run])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"training": None}, "training must be an object but is None; restore it"),
        ({"data": []}, r"data must be an object but is \[\]; restore it"),
        ({"training": {"steps": "x"}}, r"training\.steps must be a whole number but is 'x'; correct it"),
    ],
    ids=str,
)
def test_a_damaged_configuration_is_named(tmp_path, values, message):
    run = write_run(tmp_path / "a")
    (run / "config.json").write_text(json.dumps({"job": "train", **values}))
    with pytest.raises(ValueError, match=rf"config\.json: {message}$"):
        open_runs([run])


def test_losses_that_were_no_numbers_are_gaps_in_the_curve(tmp_path):
    tail = json.dumps(
        {"step": 12, "seconds": 9, "tokens": 156, "loss": float("nan"), "validation_loss": None}
    )
    runs = open_runs([write_run(tmp_path / "a", tail=tail + "\n")])
    draw_comparison(runs, tmp_path / "a.png")
    assert len(curves(comparison_figure(runs), 0)[0][0]) == 12


def test_a_run_that_is_given_twice_is_refused_also_by_another_path(tmp_path, monkeypatch):
    run = write_run(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="each run can be compared once but a was given more than once"):
        open_runs([Path("a"), run])
