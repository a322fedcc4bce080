"""Which tokens end a text: none, one, or several of them, as chat models have."""

from collections.abc import Collection

from cs336_basics.generation.checks import plain

StopTokens = int | Collection[int] | None


def stop_token_ids(stop: StopTokens) -> frozenset[int]:
    """Return the ids that end a text as a set: of 5 it is {5}, of None it is empty."""
    if stop is None:
        return frozenset()
    given = plain(stop)
    ids = given if isinstance(given, Collection) else [given]
    return frozenset(int(id) for id in ids)
