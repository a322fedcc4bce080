"""What both decoding loops are given: prompts in any form, and settings that make sense."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from cs336_basics.nn.embedding import check_id

Array = Tensor | np.ndarray
Prompt = Sequence[int] | Array


def as_prompts(prompt_ids: Prompt | Sequence[Prompt], vocab_size: int) -> tuple[list[list[int]], bool]:
    """Return the prompts as lists of ids, and whether there are several, or one that stands for itself.

    Tensors and arrays of ids, or of prompts of one length, will do where lists do.
    """
    entries = [plain(entry) for entry in plain(prompt_ids)]
    is_batch = any(isinstance(entry, list) for entry in entries)
    prompts = entries if is_batch else [entries]
    for prompt in prompts:
        check_prompt(prompt, vocab_size)
    return prompts, is_batch


def plain(ids: Any) -> Any:
    """Return an array or a sequence of ids as a list, and anything else as it is."""
    if isinstance(ids, Array | np.generic):
        return ids.tolist()
    return list(ids) if isinstance(ids, Sequence) and not isinstance(ids, str) else ids


def check_prompt(prompt: Any, vocab_size: int) -> None:
    """Raise `ValueError` for what is no row of token ids, `IndexError` for ids beyond the vocabulary."""
    if not isinstance(prompt, list) or not all(type(id) is int for id in prompt):
        raise ValueError(f"a prompt must be a row of token ids but is {prompt!r}; take tokenizer.encode")
    if not prompt:
        raise ValueError("a prompt must hold at least one token but is empty; start with <|endoftext|>")
    for id in (min(prompt), max(prompt)):
        check_id(id, vocab_size)


def check_settings(max_new_tokens: int, temperature: float, top_p: float) -> None:
    """Raise `ValueError` for what no text can be continued with."""
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens must not be negative but is {max_new_tokens}")
    if not temperature >= 0:  # also true for NaN
        raise ValueError(f"temperature must be at least 0 but is {temperature}; 0 takes the likeliest token")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p must lie in (0, 1] but is {top_p}; 1 keeps all tokens")
