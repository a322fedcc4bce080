"""The `model` of a `tokenizer.json`: vocabulary and merges of a byte-level BPE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, from_characters, to_characters
from cs336_basics.tokenization.interchange.huggingface_fields import damaged, fields_of, flag, refuse

FIELDS = {"type", "vocab", "merges", "ignore_merges", "dropout", "unk_token", "fuse_unk", "byte_fallback"}
AFFIXES = {"continuing_subword_prefix", "end_of_word_suffix"}
COMMENT = "#version"  # a line of merges.txt, which some files have among the merges


@dataclass(frozen=True)
class Model:
    """What the file says, checked for itself."""

    keys: dict[str, int]
    merges: list[tuple[bytes, bytes]]
    takes_whole_words: bool

    def entries(self, special_token_ids: Mapping[str, int]) -> dict[int, bytes]:
        """Return the bytes of each entry that ordinary text can become, spelled in GPT-2's alphabet.

        The others must be special tokens. One that merges make too is both.
        """
        merged = {token for left, right in self.merges for token in (left, right, left + right)}
        merged.update(BYTE_TOKENS)
        entries = {}
        for key, id in self.keys.items():
            token = _bytes_of(key)
            if key in special_token_ids and token not in merged:
                continue
            if token is None:
                refuse(f"the entry {key!r:.80}, neither bytes in GPT-2's alphabet nor an added token")
            entries[id] = token
        if not entries:
            refuse("a vocabulary of added tokens alone")
        return entries


def read_model(model: Any) -> Model:
    """Return the model; raises `ValueError` for one that is damaged or works otherwise."""
    fields = fields_of(
        {"type": "BPE"} | model if isinstance(model, dict) else model, "a model", FIELDS | AFFIXES
    )
    if fields["type"] != "BPE":
        refuse(f"the model {fields['type']!r}")
    keys = _read_keys(fields.get("vocab"))
    _refuse_other_ways(fields, keys)
    return Model(
        keys=keys,
        merges=_read_merges(fields.get("merges"), keys),
        takes_whole_words=flag(fields, "ignore_merges", "a model", default=False),
    )


def _refuse_other_ways(fields: dict[str, Any], keys: dict[str, int]) -> None:
    flag(fields, "fuse_unk", "a model", default=False)  # of two unknown bytes, and here none is
    if flag(fields, "byte_fallback", "a model", default=False):
        refuse("byte_fallback")
    if fields.get("dropout"):
        refuse(f"a dropout of {fields['dropout']!r}")
    for name in sorted(AFFIXES):
        if fields.get(name):
            refuse(f"the {name} {fields[name]!r}")
    if fields.get("unk_token") and not all(to_characters(token) in keys for token in BYTE_TOKENS):
        refuse(f"the unk_token {fields['unk_token']!r} for bytes without an entry")


def _read_keys(keys: Any) -> dict[str, int]:
    if not isinstance(keys, dict) or not keys:
        damaged("a vocab", keys)
    keys_of_ids: dict[int, str] = {}
    for key, id in keys.items():
        if type(id) is not int or id < 0:
            damaged(f"an id of {key!r:.80}", id)
        if id in keys_of_ids:
            raise ValueError(
                f"has the id {id} twice, for {keys_of_ids[id]!r:.80} and {key!r:.80}; get the file anew"
            )
        keys_of_ids[id] = key
    return keys


def _read_merges(merges: Any, keys: dict[str, int]) -> list[tuple[bytes, bytes]]:
    if not isinstance(merges, list):
        damaged("a list of merges", merges)
    pairs = [_read_merge(merge, keys) for merge in merges if not _is_comment(merge)]
    # Of a merge that is listed twice, the last counts there and the first would count here.
    return list(dict.fromkeys(reversed(pairs)))[::-1]


def _is_comment(merge: Any) -> bool:
    return isinstance(merge, str) and merge.startswith(COMMENT)


def _read_merge(merge: Any, keys: dict[str, int]) -> tuple[bytes, bytes]:
    """Read "Ġ t" or ["Ġ", "t"]."""
    match merge.split(" ") if isinstance(merge, str) else merge:
        case [str() as left, str() as right]:
            for key in (left, right, left + right):
                if key not in keys:
                    raise ValueError(
                        f"has the merge {merge!r:.80}, but no entry {key!r:.80}; get the file anew"
                    )
            first, second = _bytes_of(left), _bytes_of(right)
            if first is None or second is None:
                refuse(f"the merge {merge!r:.80}, which is not spelled in GPT-2's alphabet")
            return first, second
        case _:
            damaged("a merge", merge)


def _bytes_of(key: str) -> bytes | None:
    try:
        return from_characters(key)
    except KeyError:
        return None
