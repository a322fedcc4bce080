"""Special tokens: strings such as `<|endoftext|>` that are one token each and that no merge crosses.

They are found before anything else looks at the text, the longest first, so that of `<|end|>` and
`<|end|><|of|>` the longer one wins where both begin.
"""

import re
from collections.abc import Iterator, Sequence

import regex

from cs336_basics.tokenization.lone_surrogates import LONE_SURROGATE

END_OF_TEXT = "<|endoftext|>"  # GPT-2's, between two documents
MATCHES_NOTHING = r"\A(?!)"  # \A keeps a search from trying every position


def check_special_tokens(special_tokens: Sequence[str]) -> None:
    """Raise `ValueError` if one of the special tokens is empty, a duplicate, or not valid Unicode.

    A single string, each character of which would be one, is refused too.
    """
    if isinstance(special_tokens, str):
        raise ValueError(
            f"special tokens must be a list of strings but are {special_tokens!r}; write [{special_tokens!r}]"
        )
    seen = set()
    for token in special_tokens:
        if token == "":
            raise ValueError(
                f"a special token must have at least one character but one of {list(special_tokens)} is "
                "empty; leave it out"
            )
        if token in seen:
            raise ValueError(f"special tokens must differ but {token!r} is given twice; give it once")
        if LONE_SURROGATE.search(token):
            raise ValueError(
                f"a special token must be valid Unicode but {token!r} holds a lone surrogate; remove it"
            )
        seen.add(token)


def compile_special_pattern(special_tokens: Sequence[str]) -> regex.Pattern[str]:
    """Compile a pattern that matches any of the special tokens literally, the longest first."""
    longest_first = sorted(special_tokens, key=len, reverse=True)
    return regex.compile("|".join(map(regex.escape, longest_first)) or MATCHES_NOTHING)


def compile_special_bytes_pattern(special_tokens: Sequence[str]) -> re.Pattern[bytes]:
    """Compile the pattern of `compile_special_pattern` for UTF-8.

    It matches at the same places, for no character begins inside another.
    """
    longest_first = sorted((token.encode() for token in special_tokens), key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, longest_first)) or MATCHES_NOTHING.encode())


def split_on_special_tokens(text: str, pattern: regex.Pattern[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each stretch of ordinary text with the special token after it; the last has None.

    Example: "ab<|e|>c" -> ("ab", "<|e|>"), ("c", None).
    """
    start = 0
    for match in pattern.finditer(text):
        yield text[start : match.start()], match.group()
        start = match.end()
    yield text[start:], None


def with_special_tokens(
    vocab: dict[int, bytes], special_tokens: Sequence[str]
) -> tuple[dict[int, bytes], dict[str, int]]:
    """Return a copy of `vocab` with the missing special tokens added, and the id of each special token.

    Where two entries have the same bytes, the special token is the lower id: `train_bpe` puts it first.
    """
    vocab = dict(vocab)
    lowest_ids = {token: id for id, token in sorted(vocab.items(), reverse=True)}
    special_token_ids = {}
    next_id = max(vocab) + 1
    for token in special_tokens:
        id = lowest_ids.get(token.encode(), next_id)
        if id == next_id:
            vocab[id] = token.encode()
            next_id += 1
        special_token_ids[token] = id
    return vocab, special_token_ids
