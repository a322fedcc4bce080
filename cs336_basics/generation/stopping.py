"""Which tokens end a text: none, one, or several of them, as chat models have."""

from collections.abc import Collection

StopTokens = int | Collection[int] | None


def stop_token_ids(stop: StopTokens) -> frozenset[int]:
    """Return the ids that end a text as a set: of 5 it is {5}, of None it is empty."""
    if stop is None:
        return frozenset()
    ids = stop if isinstance(stop, Collection) else [stop]
    return frozenset(int(id) for id in ids)
