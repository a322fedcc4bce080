r"""Vocabulary and merges on the disk, in GPT-2's own formats, so that other tools read them.

`vocab.json` maps tokens to ids; `merges.txt` has one merge a line, its two parts separated by a space,
after a first line `#version: 0.2`. Both spell bytes in GPT-2's alphabet (`byte_tokens.py`). Entries that
are neither a byte nor the product of a merge are special tokens and stand there as plain text.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence

from cs336_basics.files.atomic import replace_file
from cs336_basics.files.json_file import object_without_repetition
from cs336_basics.files.text import decode_utf8, require_text_file
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, from_characters, to_characters
from cs336_basics.tokenization.definition import TokenizerDefinition

VOCAB_FILE, MERGES_FILE = "vocab.json", "merges.txt"  # the names under which other tools look for them
HEADER = "#version: 0.2"

Merges = Sequence[tuple[bytes, bytes]]


def save_definition(
    definition: TokenizerDefinition,
    vocab_filepath: str | os.PathLike[str],
    merges_filepath: str | os.PathLike[str],
) -> None:
    """Write both files; raises `ValueError` if they cannot hold the tokenizer."""
    if definition.file_format != "gpt2":
        raise ValueError(
            f"{VOCAB_FILE} and {MERGES_FILE} must hold all of a tokenizer but this one comes from a "
            "tokenizer.json, which says more; write it with save_to_folder"
        )
    save_files(definition.entries, definition.merges, vocab_filepath, merges_filepath)


def save_files(
    vocab: Mapping[int, bytes],
    merges: Merges,
    vocab_filepath: str | os.PathLike[str],
    merges_filepath: str | os.PathLike[str],
) -> None:
    """Write both files, each whole or not at all; raises `ValueError` if `vocabulary_keys` does."""
    keys = vocabulary_keys(vocab, merges)
    with replace_file(vocab_filepath, "w") as file:
        json.dump(keys, file, ensure_ascii=False, indent=0)
        file.write("\n")
    with replace_file(merges_filepath, "w") as file:
        file.write(f"{HEADER}\n")
        file.writelines(f"{to_characters(left)} {to_characters(right)}\n" for left, right in merges)


def vocabulary_keys(vocab: Mapping[int, bytes], merges: Merges) -> dict[str, int]:
    """Return the key of each entry: GPT-2's alphabet for bytes and products of merges, else plain text.

    Of two entries with the same bytes the higher id is the byte or product, as in encoding. Raises
    `ValueError` if a plain text would be read as another entry, or if an entry has no plain text.
    """
    ordinary_keys = {token: to_characters(token) for token in _bytes_and_products(merges)}
    highest_ids = {token: id for id, token in sorted(vocab.items())}
    taken = set(ordinary_keys.values())
    keys: dict[str, int] = {}
    for id, token in sorted(vocab.items()):
        if token in ordinary_keys and highest_ids[token] == id:
            keys[ordinary_keys[token]] = id
            continue
        key = _plain_text(id, token)
        if key in taken:
            raise ValueError(
                f"each key of a vocab.json must stand for one entry but {key!r}, the text of special token "
                f"{id}, already stands for another; choose another text for it"
            )
        taken.add(key)
        keys[key] = id
    return keys


def require_same_special_tokens(definition: TokenizerDefinition) -> None:
    """Raise `ValueError` unless `load_files` would find the special tokens that `definition` has."""
    keys = vocabulary_keys(definition.entries, definition.merges)
    ordinary = set(map(to_characters, _bytes_and_products(definition.merges)))
    for key, id in keys.items():
        if key not in ordinary and definition.special_token_ids.get(key) != id:
            raise ValueError(
                f"an entry that is neither a byte nor the product of a merge is read as a special token but "
                f"{key!r}, entry {id}, is none here; make it one"
            )
    for token in definition.special_token_ids:
        if token in ordinary or token not in keys:
            raise ValueError(
                f"a byte or the product of a merge is read as ordinary text but {token!r} is a special token "
                "as well; choose another special token, or load the files of save with special_tokens"
            )


def _plain_text(id: int, token: bytes) -> str:
    try:
        return token.decode()
    except UnicodeDecodeError:
        raise ValueError(
            f"an entry must be a byte, the product of a merge, or text, to be saved, but entry {id} is "
            f"{token!r}; remove it or add its merges"
        ) from None


def _bytes_and_products(merges: Merges) -> set[bytes]:
    return set(BYTE_TOKENS) | {left + right for left, right in merges}


def load_files(
    vocab_filepath: str | os.PathLike[str], merges_filepath: str | os.PathLike[str]
) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]], list[str]]:
    """Return vocabulary, merges, and the entries that are special tokens, by ascending id."""
    keys = _read_vocabulary(vocab_filepath)
    merges = _read_merges(merges_filepath)
    ordinary = {to_characters(token): token for token in _bytes_and_products(merges)}
    vocab = {}
    special_tokens = []
    for key, id in sorted(keys.items(), key=lambda item: item[1]):
        if id in vocab:
            raise ValueError(f"{vocab_filepath} must give each id once but has {id} twice; write it again")
        if key in ordinary:
            vocab[id] = ordinary[key]
        else:
            vocab[id] = _encode_plain_text(key, vocab_filepath)
            special_tokens.append(key)
    return vocab, merges, special_tokens


def _encode_plain_text(key: str, path: str | os.PathLike[str]) -> bytes:
    try:
        return key.encode()
    except UnicodeEncodeError:
        raise ValueError(f"keys of {path} must be valid Unicode but one is {key!r}; write it again") from None


def _read_vocabulary(path: str | os.PathLike[str]) -> dict[str, int]:
    text = decode_utf8(require_text_file(path).read_bytes(), path=path)
    try:
        keys = json.loads(text, object_pairs_hook=object_without_repetition)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"a vocabulary file must be JSON but {path} line {error.lineno} has an error ({error.msg}); "
            "give the vocab.json of a tokenizer"
        ) from None
    except (RecursionError, ValueError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ValueError(
            f"a vocabulary file must map each token to one id but {path} {what}; give the vocab.json of a "
            "tokenizer"
        ) from None
    if not isinstance(keys, dict) or not keys or not all(map(_is_id, keys.values())):
        raise ValueError(
            f"a vocabulary file must map tokens to ids from 0 up but {path} does not; "
            "give the vocab.json of a tokenizer"
        )
    return keys


def _is_id(value: object) -> bool:
    return type(value) is int and value >= 0


def _read_merges(path: str | os.PathLike[str]) -> list[tuple[bytes, bytes]]:
    text = decode_utf8(require_text_file(path).read_bytes(), path=path)
    # Not splitlines: it knows more line ends than this format.
    lines = [line.removesuffix("\r") for line in text.rstrip("\r\n").split("\n")]
    has_header = lines[0].startswith("#version")
    return list(_parse_merges(lines[has_header:], path, first_line=1 + has_header))


def _parse_merges(
    lines: Sequence[str], path: str | os.PathLike[str], *, first_line: int
) -> Iterable[tuple[bytes, bytes]]:
    for number, line in enumerate(lines, first_line):
        left, _, right = line.partition(" ")
        try:
            parts = from_characters(left), from_characters(right)
        except KeyError:
            parts = b"", b""
        if not all(parts):
            raise ValueError(
                f"a merges file must have two tokens in GPT-2's alphabet on each line, separated by a space, "
                f"but {path} line {number} is {line!r}; give the merges.txt of a tokenizer"
            )
        yield parts
