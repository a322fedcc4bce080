"""What becomes of a window, the tokens that a model is shown, when it has outgrown the context length.

Keys and values depend on everything before them in the window and on their positions in it: once its first
token is dropped, none that a cache holds is what the model would compute now. So a rule either recomputes
the window at each further step, or drops so much that this is rarely needed.

Plain data and lists, without torch: the command line reads it too.
"""

from collections.abc import Callable
from typing import Literal, get_args

Overflow = Literal["recompute", "half"]
OverflowRule = Callable[[list[int], int], list[int]]


def newest_tokens(window: list[int], context_length: int) -> list[int]:
    """Keep the last `context_length` tokens: the most that the model can be shown, recomputed each time."""
    return window[-context_length:]


def newest_half(window: list[int], context_length: int) -> list[int]:
    """Keep a window that fits; cut one that does not to its last `context_length // 2` tokens (at least 1).

    It then grows token by token to the full length again: between two cuts everything comes from the cache.
    """
    if len(window) <= context_length:
        return window
    return window[-max(1, context_length // 2) :]


RULES: dict[Overflow, OverflowRule] = {"recompute": newest_tokens, "half": newest_half}


def overflow_rule(overflow: Overflow) -> OverflowRule:
    """Return the rule of this name."""
    if overflow not in RULES:
        raise ValueError(f"overflow must be one of {', '.join(get_args(Overflow))} but is {overflow!r}")
    return RULES[overflow]
