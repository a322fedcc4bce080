import math

import pytest

from cs336_basics.accounting import Batch, optimizer_cost, training_flops, training_seconds
from tests.unit.accounting.models import ODD


def test_time_is_operations_by_speed():
    batch = Batch(batch_size=3, seq=5)
    each = training_flops(ODD, batch)
    assert training_seconds(ODD, batch, steps=7, peak_flops=2.0 * each, utilization=0.5) == pytest.approx(7)
    again = training_flops(ODD, batch, recompute=True)
    assert training_seconds(
        ODD, batch, steps=1, peak_flops=1.0, utilization=1, recompute=True
    ) == pytest.approx(again)
    update = optimizer_cost(ODD, optimizer="muon").product_flops
    with_muon = training_seconds(ODD, batch, steps=1, peak_flops=1.0, utilization=1, optimizer="muon")
    assert with_muon == pytest.approx(each + update)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"peak_flops": 0.0}, "peak_flops must be positive and finite but is 0.0"),
        ({"peak_flops": math.inf}, "peak_flops must be positive and finite but is inf"),
        ({"utilization": 0.0}, r"utilization must be in \(0, 1\] but is 0.0"),
        ({"utilization": 1.01}, r"utilization must be in \(0, 1\] but is 1.01"),
        ({"steps": -1}, "steps must not be negative but are -1"),
    ],
)
def test_an_impossible_speed_is_a_value_error(wrong, message):
    with pytest.raises(ValueError, match=message):
        training_seconds(ODD, Batch(seq=5), **{"steps": 1, "peak_flops": 1e12, **wrong})
