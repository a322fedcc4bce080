"""Which tokens end a text: none, one, or several of them, as chat models have."""

from collections.abc import Collection

import numpy as np
from torch import Tensor

StopTokens = int | Collection[int] | None


def stop_token_ids(stop: StopTokens) -> frozenset[int]:
    """Return the ids that end a text as a set: of 5 it is {5}, of None it is empty."""
    if stop is None:
        return frozenset()
    if isinstance(stop, Tensor | np.ndarray):
        return stop_token_ids(stop.tolist())
    ids = stop if isinstance(stop, Collection) else [stop]
    return frozenset(int(id) for id in ids)
