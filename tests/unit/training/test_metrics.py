import pytest

from cs336_basics.training.metrics import append_metrics, continue_metrics, read_metrics


def test_continue_metrics_drops_later_steps_and_a_half_written_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": 4, "lo')
    with continue_metrics(path, after_step=2) as file:
        append_metrics(file, {"step": 3, "loss": 0.5})
    assert read_metrics(path) == [{"step": 1}, {"step": 2}, {"step": 3, "loss": 0.5}]


@pytest.mark.parametrize(
    ("steps", "line"), [([], 1), ([1, 2], 3), ([1, 3], 2), ([1, 2, 3, 1, 2, 3], 4), ([2, 1, 3], 1)]
)
def test_metrics_that_lack_a_step_or_have_it_twice_are_refused_and_left_alone(tmp_path, steps, line):
    path = tmp_path / "metrics.jsonl"
    path.write_text(before := "".join(f'{{"step": {step}}}\n' for step in steps))
    sentence = rf"metrics\.jsonl must have a line .* steps 1 to 3 .* not from line {line} on; restore it"
    with pytest.raises(ValueError, match=sentence), continue_metrics(path, after_step=3):
        pass
    assert path.read_text() == before


def test_metrics_can_be_read_while_the_run_goes_on(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with continue_metrics(path, after_step=0) as file:
        append_metrics(file, {"step": 1})
        assert read_metrics(path) == [{"step": 1}]
