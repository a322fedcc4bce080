"""The study of initialisation: formulas, signals, continuing, its report."""

import dataclasses
import json
import math
from itertools import count

import numpy as np
import pytest
import torch

from cs336_basics import ModelConfig, TransformerLM
from cs336_basics.experiments.document.blocks import Table
from cs336_basics.experiments.init_study.case_result import CaseResult, study_case
from cs336_basics.experiments.init_study.report import findings, formula_blocks, signal_table
from cs336_basics.experiments.init_study.run import report_study, run_study
from cs336_basics.experiments.init_study.signals import Signals, measure_signals
from cs336_basics.experiments.init_study.study import Case, StudyConfig
from cs336_basics.experiments.init_study.study_file import do_study, read_study
from cs336_basics.experiments.init_study.weight_moments import FORMULAS, formula_moments, found_moments
from cs336_basics.nn.init import MATRIX_RULES

pytestmark = pytest.mark.without_type_checks

FAN_OUT, FAN_IN = 601, 997
MICRO = StudyConfig(
    rules=("trunc_normal", "ones"), depths=(1, 2), steps=3, d_model=8, context_length=7, batch_size=3
)
TEXT = np.frombuffer(b"to be, or not to be, that is the question\n" * 20, dtype=np.uint8)
DESCRIPTION = {"label": "hamlet", "bytes": len(TEXT), "sha256": "0" * 64}


@pytest.mark.parametrize("rule", MATRIX_RULES)
def test_each_rule_agrees_with_its_formula_and_with_no_other_scale_of_it(rule):
    found = found_moments(rule, FAN_OUT, FAN_IN, generator=torch.Generator().manual_seed(5))
    formula = formula_moments(rule, FAN_OUT, FAN_IN)
    assert found.agrees_with(formula, FAN_OUT * FAN_IN)
    shifted = dataclasses.replace(found, mean=found.mean + 0.05 * math.sqrt(found.variance) + 1e-6)
    wider = dataclasses.replace(found, variance=1.05 * found.variance + 1e-6)
    beyond = dataclasses.replace(found, highest=formula.highest * 1.001 + 1e-3)
    assert not shifted.agrees_with(formula, FAN_OUT * FAN_IN)
    assert not wider.agrees_with(formula, FAN_OUT * FAN_IN)
    assert math.isinf(formula.highest) or not beyond.agrees_with(formula, FAN_OUT * FAN_IN)


def test_formulas_by_numerical_integration():
    # The variance that a cut leaves, from the density itself.
    for rule, sigma, cut in (("trunc_normal", math.sqrt(2 / 1598), 3), ("trunc_normal_002", 0.02, 2)):
        x = torch.linspace(-cut, cut, 200_001, dtype=torch.float64)
        density = torch.exp(-(x**2) / 2)
        variance = (sigma**2 * (x**2 * density).sum() / density.sum()).item()
        assert formula_moments(rule, FAN_OUT, FAN_IN).variance == pytest.approx(variance, rel=1e-4)
    assert formula_moments("kaiming_uniform", 3, 600).highest == pytest.approx(0.1)
    assert formula_moments("eye", 2, 4).variance == pytest.approx(np.eye(2, 4).var())
    assert set(FORMULAS) == set(MATRIX_RULES)


def model_of(depth: int, **choices) -> TransformerLM:
    torch.manual_seed(3)
    sizes = {"vocab_size": 11, "context_length": 7, "d_model": 10, "num_heads": 5}
    return TransformerLM.from_config(ModelConfig(num_layers=depth, **sizes, **choices))


def test_signals_of_each_block_leave_the_model_as_it_was():
    model = model_of(3)
    inputs, targets = torch.randint(11, (2, 5)), torch.randint(11, (2, 5))
    signals = measure_signals(model, inputs, targets)
    assert len(signals.activations) == len(signals.gradients) == 4
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    assert signals.loss == pytest.approx(
        torch.nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).item()
    )


def test_gradients_of_the_stream_are_those_of_autograd():
    model = model_of(1, norm="none", position="none")
    inputs, targets = torch.randint(11, (2, 5)), torch.randint(11, (2, 5))
    signals = measure_signals(model, inputs, targets)
    embedded = model.token_embeddings(inputs).detach().requires_grad_()
    behind = model.layers[0](embedded)
    loss = torch.nn.functional.cross_entropy(model.lm_head(behind).flatten(0, 1), targets.flatten())
    expected = torch.autograd.grad(loss, (embedded, behind))
    assert signals.gradients == pytest.approx([g.std(correction=0).item() for g in expected], rel=1e-5)
    values = (embedded, behind)
    assert signals.activations == pytest.approx([v.std(correction=0).item() for v in values], rel=1e-5)


def test_what_is_not_finite_is_none():
    model = model_of(4, norm="none", init="ones")
    with torch.no_grad():
        model.get_parameter("layers.1.ffn.w1.weight").fill_(1e30)
    signals = measure_signals(model, torch.randint(11, (2, 5)), torch.randint(11, (2, 5)))
    assert signals.activations[1] is not None
    assert signals.activations[-1] is None
    assert signals.loss is None
    assert signals.gradients == [None] * 5


def test_case_is_repeatable_trains_and_leaves_random_states_alone():
    config = dataclasses.replace(MICRO, steps=30, learning_rate=1e-2)
    state = torch.get_rng_state()
    result = study_case(config, Case(norm="pre", depth=2, rule="trunc_normal"), TEXT)
    assert torch.equal(torch.get_rng_state(), state)
    assert study_case(config, result.case, TEXT) == result
    assert result.broke_down_at is None
    assert result.before.loss is not None
    assert result.after is not None
    assert result.after.loss is not None
    assert result.after.loss < result.before.loss - 0.3


def test_case_that_breaks_down_says_at_which_step():
    result = study_case(dataclasses.replace(MICRO, d_model=64), Case(norm="none", depth=4, rule="ones"), TEXT)
    assert (result.after, result.broke_down_at) == (None, 1)


def test_interrupted_study_goes_on_to_the_same_file(tmp_path):
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    do_study(MICRO, TEXT, DESCRIPTION, whole)
    assert [result.case for result in read_study(whole).results] == MICRO.cases()
    asked = count()
    do_study(MICRO, TEXT, DESCRIPTION, parts, should_stop=lambda: next(asked) == 3)
    assert len(read_study(parts).results) == 3
    do_study(MICRO, TEXT, DESCRIPTION, parts)
    assert parts.read_bytes() == whole.read_bytes()
    json.loads(whole.read_text(encoding="utf-8"), parse_constant=pytest.fail)  # no NaN, no Infinity


@pytest.mark.parametrize(
    ("config", "description", "named"),
    [
        (dataclasses.replace(MICRO, steps=4), DESCRIPTION, "settings.steps: 3 there, 4 given"),
        (MICRO, {**DESCRIPTION, "bytes": 1}, "text.bytes: 840 there, 1 given"),
    ],
)
def test_study_of_something_else_is_refused(tmp_path, config, description, named):
    path = tmp_path / "study.json"
    do_study(MICRO, TEXT, DESCRIPTION, path, should_stop=path.is_file)
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        do_study(config, TEXT, description, path)


@pytest.mark.parametrize("content", ["{}", '{"results": [1]}', '{"results": [], "more": 1}', "[]", "no"])
def test_file_that_is_no_study_is_named(tmp_path, content):
    (tmp_path / "init-study.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"init-study\.json"):
        report_study(tmp_path, tmp_path / "REPORT.md")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depths": (4, 4)}, "depths must differ but 4 is there 2 times; remove one"),
        ({"rules": ()}, "rules must hold at least one value but there is none; give one"),
        ({"depths": (0,)}, "num_layers must be at least 1"),
        ({"d_model": 10}, "d_model must be a multiple of num_heads"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"learning_rate": math.nan}, "learning_rate must not be negative"),
    ],
)
def test_settings_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        StudyConfig(**wrong)


def signals(activations, gradients, loss: float | None = 1.0) -> Signals:
    return Signals(activations=activations, gradients=gradients, loss=loss)


def result_of(rule, before, after, broke_down_at=None) -> CaseResult:
    case = Case(norm="pre", depth=2, rule=rule)
    return CaseResult(case=case, before=before, after=after, broke_down_at=broke_down_at)


def test_findings_and_table_say_what_was_measured():
    steady = signals([9.0, 1.0, 9.5], [1.0, 2.0, 3.0])
    growing = signals([1.0, 1.0, 10.5], [1.0, 1.0, 1.0], loss=None)
    results = [
        result_of("normal", steady, signals([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], loss=2.5)),
        result_of("ones", growing, None, broke_down_at=7),
        result_of("eye", signals([1.0, 1.0, 1.0], [1.0, None, None]), signals([1, 1, 1], [1, 1, 1], 2.25)),
    ]
    sentences = findings(results)
    assert sentences[0].endswith("under: normal.")
    assert sentences[1] == "Training broke down under: ones (step 7)."
    assert sentences[2] == "Loss after training, the lowest first: eye 2.250, normal 2.500."
    rows = signal_table(results).rows
    assert rows[0][1:6] == ["1.00e+00", "9.50e+00", "2.00e+00", "3.00e+00", "1.000"]
    assert rows[0][6:] == ["2.00e+00", "3.00e+00", "5.00e+00", "6.00e+00", "2.500"]
    assert rows[1][5:7] == ["not finite", "broke down at step 7"]
    assert rows[2][3:5] == ["not finite", "not finite"]


def test_table_of_formulas_has_every_rule_and_all_agree(tmp_path):
    do_study(dataclasses.replace(StudyConfig(), depths=(1,)), TEXT, DESCRIPTION, tmp_path / "s.json",
             should_stop=(tmp_path / "s.json").is_file)  # fmt: skip
    table = formula_blocks(read_study(tmp_path / "s.json"))[-1]
    assert isinstance(table, Table)
    rows = table.rows
    assert [row[0] for row in rows] == list(MATRIX_RULES)
    assert {row[-1] for row in rows} == {"yes"}


def test_study_from_end_to_end_and_its_report_written_again(tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes(TEXT.tobytes())
    run_study(dataclasses.replace(MICRO, depths=(1,)), tmp_path / "out", data=text)
    written = report_study(tmp_path / "out", tmp_path / "INIT_STUDY.md")
    names = {"INIT_STUDY.md", "INIT_STUDY.html", "signals-before.png", "signals-after.png"}
    assert {path.name for path in written} == names
    contents = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in report_study(tmp_path / "out", written[0])] == contents
    assert "text.txt (840 bytes, SHA-256" in written[0].read_text(encoding="utf-8")


def test_report_without_a_study_and_a_text_too_short_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is none in"):
        report_study(tmp_path, tmp_path / "REPORT.md")
    (tmp_path / "short.txt").write_bytes(b"short")
    with pytest.raises(ValueError, match="more tokens than the context"):
        run_study(MICRO, tmp_path / "out", data=tmp_path / "short.txt")
