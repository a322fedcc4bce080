"""QUESTIONS.md stays true: below a command stands what it prints, and the other commands are ones we have."""

import re
import shutil
import sys

import pytest
from jaxtyping import config as jaxtyping_config

from cs336_basics.cli.experiment import ExperimentRun
from cs336_basics.cli.main import parse
from cs336_basics.experiments.description.experiment_file import read_experiment
from cs336_basics.experiments.description.shipped import find_experiment
from tests.benchmarks.tokenizer import parse_command_line
from tests.integration.console_blocks import Example, output_of, read_examples, words_of
from tests.integration.vscode import ROOT

TEXT = (ROOT / "cs336_basics/experiments/QUESTIONS.md").read_text(encoding="utf-8")
EXAMPLES = read_examples(TEXT)
PROBLEMS = [
    "unicode1", "unicode2", "train_bpe_tinystories", "train_bpe_expts_owt", "tokenizer_experiments",
    "transformer_accounting", "learning_rate_tuning", "adamw_accounting", "experiment_log", "learning_rate",
    "batch_size_experiment", "generate", "layer_norm_ablation", "pre_norm_ablation", "no_pos_emb",
    "swiglu_ablation", "main_experiment", "leaderboard",
]  # fmt: skip
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def without_type_checks(monkeypatch):
    """The parser's defaults are `tyro.MISSING` where a value must be given."""
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)


def short(example: Example) -> str:
    return " ".join(example.command.split())[:60]


def with_output() -> list:
    """Those with output; of those that start an interpreter, one is run by default."""
    shown = [each for each in EXAMPLES if each.output]
    processes = [each for each in shown if "uv run" in each.command and "|" in each.command]
    return [
        pytest.param(each, id=short(each), marks=pytest.mark.endurance if each in processes[1:] else ())
        for each in shown
    ]


@needs_bash
@pytest.mark.parametrize("example", with_output())
def test_a_command_prints_what_stands_below_it(example):
    assert output_of(example.command) == example.output


@needs_bash
def test_a_changed_number_is_noticed():
    example = next(each for each in EXAMPLES if each.command.startswith("uv run cs336 account"))
    changed = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), example.output, count=1)
    assert output_of(example.command) == example.output != changed


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize("example", [each for each in EXAMPLES if not each.output], ids=short)
def test_a_command_that_is_not_run_would_be_understood(example, tmp_path, monkeypatch):
    words = words_of(example.command)
    if "-c" in words:
        compile(words[words.index("-c") + 1], "QUESTIONS.md", "exec")
    elif "tests.benchmarks.tokenizer" in words:
        corpus = tmp_path / words[words.index("--corpus") + 1]
        corpus.parent.mkdir()
        corpus.touch()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", words[words.index("tests.benchmarks.tokenizer") :])
        assert parse_command_line().corpus
    else:
        name = next(word for word in words if word in ("cs336", "cs336_basics"))
        command = parse(words[words.index(name) + 1 :])
        if isinstance(command, ExperimentRun):
            assert read_experiment(find_experiment(command.name), command.scale).num_runs > 0


def test_every_problem_is_answered_in_the_handouts_order_with_a_command():
    opening, *sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    assert [section.partition("\n")[0] for section in sections] == PROBLEMS
    assert all(read_examples(section) for section in sections)
    first_paragraph = opening.split("\n\n")[1]
    assert "policy" in first_paragraph
    assert first_paragraph.count(".") == 1


def test_examples_are_read_with_their_commands_lines_and_outputs():
    block = "```console\n$ uv run python -c '\nprint(1)'\n1\n$ a | b\n\n2\n\n$ c\n```\n"
    assert read_examples(block) == [("uv run python -c '\nprint(1)'", "1\n"), ("a | b", "\n2\n\n"), ("c", "")]
