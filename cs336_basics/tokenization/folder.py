"""The files of a tokenizer in a folder of its own, under the names that other tools look for."""

import os
from collections.abc import Sequence
from pathlib import Path

from cs336_basics.files.atomic import make_folder
from cs336_basics.files.json_file import write_json
from cs336_basics.files.outputs import require_other_file, require_writable_folder
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.definition import TokenizerDefinition, plain_definition
from cs336_basics.tokenization.interchange.huggingface_json import TOKENIZER_FILE, tokenizer_json
from cs336_basics.tokenization.interchange.huggingface_reading import read_huggingface
from cs336_basics.tokenization.serialization import (
    MERGES_FILE,
    VOCAB_FILE,
    load_files,
    require_same_special_tokens,
    save_definition,
)

TOKENIZER_FILES = (TOKENIZER_FILE, VOCAB_FILE, MERGES_FILE)  # all that a tokenizer is ever read from


def tokenizer_files(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of the files that hold the tokenizer of a folder: `tokenizer.json` if there is one.

    Hugging Face's folders often have all three, and only `tokenizer.json` says which pre-tokens there are.
    """
    if (Path(folder) / TOKENIZER_FILE).is_file():
        return (TOKENIZER_FILE,)
    return VOCAB_FILE, MERGES_FILE


def load_from_folder(folder: str | os.PathLike[str]) -> TokenizerDefinition:
    """Read the files that `tokenizer_files` names.

    Raises `FileNotFoundError`, and `ValueError` for malformed ones.
    """
    if tokenizer_files(folder) == (TOKENIZER_FILE,):
        return read_huggingface(folder)
    return plain_definition(*load_files(Path(folder) / VOCAB_FILE, Path(folder) / MERGES_FILE))


def require_special_tokens_to_save(special_tokens: Sequence[str]) -> None:
    """Raise `ValueError` for special tokens that no `vocab.json` can hold: those spelled like a byte."""
    require_same_special_tokens(plain_definition(dict(enumerate(BYTE_TOKENS)), [], special_tokens))


def require_free_folder(folder: Path, *, text: Path) -> None:
    """Raise `ValueError` or `OSError` if a tokenizer learned from `text` could not be saved in `folder`."""
    require_no_other_tokenizer(folder)
    for name in (VOCAB_FILE, MERGES_FILE):
        require_other_file(folder / name, text)
    require_writable_folder(folder)


def require_no_other_tokenizer(folder: Path) -> None:
    """Raise `ValueError` if `tokenizer.json` of another tokenizer would be read instead of the two files."""
    if (folder / TOKENIZER_FILE).exists():
        raise ValueError(
            f"a folder must not have {TOKENIZER_FILE}, which is read first, beside {VOCAB_FILE} and "
            f"{MERGES_FILE} but {folder} has one; remove it or choose another folder"
        )


def save_in_folder(definition: TokenizerDefinition, folder: str | os.PathLike[str]) -> None:
    """Write the files that hold `definition`, each whole or not at all; the folder is made.

    Raises `ValueError`, before anything is written, if they cannot hold it, if other special tokens would be
    read from them, or if `tokenizer.json` of another tokenizer would be read instead.
    """
    folder = Path(folder)
    if definition.file_format == "huggingface":
        content = tokenizer_json(definition)
        make_folder(folder)
        write_json(folder / TOKENIZER_FILE, content)
        return
    require_no_other_tokenizer(folder)
    require_same_special_tokens(definition)
    make_folder(folder)
    save_definition(definition, folder / VOCAB_FILE, folder / MERGES_FILE)
