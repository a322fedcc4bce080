"""Which tokens end a text: none, one, or several of them, as chat models have."""

import operator
from collections.abc import Collection

from cs336_basics.generation.checks import plain

StopTokens = int | Collection[int] | None


def stop_token_ids(stop: StopTokens) -> frozenset[int]:
    """Return the ids that end a text as a set: of 5 it is {5}, of None it is empty.

    Raises `TypeError` for what is no integer, such as the text of a token.
    """
    if stop is None:
        return frozenset()
    given = [stop] if isinstance(stop, str | bytes | bytearray) else plain(stop)  # texts are collections, too
    ids = given if isinstance(given, Collection) else [given]
    try:
        return frozenset(map(operator.index, ids))
    except TypeError:
        raise TypeError(
            f"stop_token_id must be an integer or several but is {stop!r}; look the id of a token up in the "
            "tokenizer's special_token_ids"
        ) from None
