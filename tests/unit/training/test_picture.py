import json

import pytest
from matplotlib import image

from cs336_basics.training.picture import draw_loss


@pytest.mark.parametrize("validation_loss", [None, 5.0])
def test_a_run_of_one_step_has_a_picture_validated_or_not(tmp_path, validation_loss):
    line = {"step": 1, "seconds": 0.5, "tokens": 42, "loss": 6.0, "validation_loss": validation_loss}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    draw_loss(tmp_path / "metrics.jsonl", tmp_path / "loss.png")
    assert image.imread(tmp_path / "loss.png").std() > 0.01, "it is not blank"
