from cs336_basics.training.metrics import append_metrics, continue_metrics, read_metrics


def test_continue_metrics_drops_later_steps_and_a_half_written_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": 4, "lo')
    with continue_metrics(path, after_step=2) as file:
        append_metrics(file, {"step": 3, "loss": 0.5})
    assert read_metrics(path) == [{"step": 1}, {"step": 2}, {"step": 3, "loss": 0.5}]


def test_metrics_can_be_read_while_the_run_goes_on(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with continue_metrics(path, after_step=0) as file:
        append_metrics(file, {"step": 1})
        assert read_metrics(path) == [{"step": 1}]
