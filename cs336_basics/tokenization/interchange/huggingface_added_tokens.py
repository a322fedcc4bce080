"""The `added_tokens` of a `tokenizer.json`: strings that are found before all else, like our special tokens.

The library gives an id to each in turn: that of the entry with its text, or the next free one. A file may say
otherwise, and is refused, for the model was trained with the one or the other.

Some are looked for in the text and others, `normalized`, in what a normalizer made of it. Without a
normalizer this is the same text, so the difference is which of two overlapping ones is found: that is
refused too.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

from cs336_basics.tokenization.interchange.huggingface_fields import damaged, fields_of, flag, refuse
from cs336_basics.tokenization.interchange.huggingface_json import huggingface_decodes
from cs336_basics.tokenization.special_tokens import check_special_tokens

UNSUPPORTED_FLAGS = ("single_word", "lstrip", "rstrip")
FIELDS = {"id", "content", "normalized", "special", *UNSUPPORTED_FLAGS}


def read_added_tokens(tokens: Any, keys: Mapping[str, int]) -> dict[str, int]:
    """Return the id of each token by its text; `keys` are those of the vocabulary."""
    if not isinstance(tokens, list):
        damaged("a list of added tokens", tokens)
    tokens = [_read_token(token) for token in tokens]
    check_special_tokens([token["content"] for token in tokens])
    _check_texts(tokens)
    _check_overlaps(tokens)
    ids: dict[str, int] = {}
    taken = {id: key for key, id in keys.items()}
    for token in tokens:
        text, id = token["content"], token["id"]
        _check_id(text, id, keys.get(text, max(len(keys), 1 + max(ids.values(), default=-1))))
        if taken.setdefault(id, text) != text:
            raise ValueError(
                f"has the id {id} twice, for {taken[id]!r:.80} and {text!r:.80}; get the file anew"
            )
        ids[text] = id
    return ids


def _read_token(token: Any) -> dict[str, Any]:
    fields = fields_of(token, "an added token", FIELDS)
    text, id = fields.get("content"), fields.get("id")
    if not isinstance(text, str) or type(id) is not int:
        damaged("an added token", token)
    for name in UNSUPPORTED_FLAGS:
        if flag(fields, name, "an added token"):
            refuse(f"the added token {text!r} with {name}")
    flag(fields, "special", "an added token")  # what the library leaves out of a text when it is told to
    flag(fields, "normalized", "an added token")
    return fields


def _check_texts(tokens: list[dict[str, Any]]) -> None:
    for text in (token["content"] for token in tokens):
        if huggingface_decodes(text) != text.encode():
            refuse(f"the added token {text!r}, which looks like bytes in GPT-2's alphabet")


def _check_id(text: str, id: int, expected: int) -> None:
    if id != expected:
        raise ValueError(
            f"gives the added token {text!r} the id {id}, where the tokenizers package gives it {expected}; "
            "put it into the vocabulary under the id with which the model was trained"
        )


def _check_overlaps(tokens: list[dict[str, Any]]) -> None:
    normalized = [token["content"] for token in tokens if token["normalized"]]
    others = [token["content"] for token in tokens if not token["normalized"]]
    for first, second in product(normalized, others):
        if _can_overlap(first, second) or _can_overlap(second, first):
            refuse(f"the added tokens {first!r} and {second!r}, which overlap and of which one is normalized")


def _can_overlap(first: str, second: str) -> bool:
    """Say whether `second` is in `first` or begins with an end of it."""
    return second in first or any(second.startswith(first[start:]) for start in range(1, len(first)))
