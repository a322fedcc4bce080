import math
import re

import pytest

from cs336_basics.quickstart.config import QuickstartConfig


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.nan, math.inf, 1e308])
def test_minutes_that_are_no_time_to_train_are_refused(minutes):
    with pytest.raises(
        ValueError, match=rf"minutes must be positive, and a year at most, but is {re.escape(str(minutes))}"
    ):
        QuickstartConfig(minutes=minutes)
