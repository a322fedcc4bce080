"""Read a `tokenizer.json` of Hugging Face's tokenizers, with nothing but a JSON parser.

Read is what gives the same ids as there. Whatever else a file asks for is refused by its name, down to fields
that we do not know, so that nothing is silently ignored. What no text can notice is accepted: an `unk_token`
where every byte has an entry, and everything about places in the text (`trim_offsets`).
"""

import json
import os
from pathlib import Path
from typing import Any

from cs336_basics.files.json_file import object_without_repetition
from cs336_basics.files.text import decode_utf8, require_text_file
from cs336_basics.tokenization.definition import TokenizerDefinition
from cs336_basics.tokenization.interchange.huggingface_added_tokens import read_added_tokens
from cs336_basics.tokenization.interchange.huggingface_fields import damaged, fields_of, members_of, refuse
from cs336_basics.tokenization.interchange.huggingface_json import FORMAT_VERSION, TOKENIZER_FILE
from cs336_basics.tokenization.interchange.huggingface_model import read_model
from cs336_basics.tokenization.interchange.huggingface_pretokenizer import steps_of
from cs336_basics.tokenization.interchange.huggingface_template import begin_of_text_of

SENTENCEPIECE_FILE = "tokenizer.model"
SENTENCEPIECE_PARTS = {"Unigram", "Metaspace", "Prepend", "Precompiled", "ByteFallback"}
SENTENCEPIECE = (
    "is in the style of SentencePiece ({sign}), which we cannot encode; encode with its own library and give "
    "the ids with --prompt-ids"
)
PARTS = {"normalizer", "pre_tokenizer", "post_processor", "decoder"}
FIELDS = PARTS | {"version", "truncation", "padding", "added_tokens", "model"}


def read_huggingface(path: str | os.PathLike[str]) -> TokenizerDefinition:
    """Return what a `tokenizer.json`, or the one in a folder, defines.

    Raises `FileNotFoundError`, or `ValueError` that names the file and what in it is damaged or not
    supported.
    """
    file = _find_file(Path(path))
    text = decode_utf8(require_text_file(file).read_bytes(), path=file)
    try:
        return _read_content(_parse(text))
    except ValueError as error:
        raise ValueError(f"{file} must be a {TOKENIZER_FILE} of byte-level BPE but {error}") from None


def _find_file(path: Path) -> Path:
    file = path / TOKENIZER_FILE if path.is_dir() else path
    if not file.exists() and (path / SENTENCEPIECE_FILE).is_file():
        style = SENTENCEPIECE.format(sign=SENTENCEPIECE_FILE)
        raise ValueError(f"a folder must have a {TOKENIZER_FILE} of byte-level BPE but {path} {style}")
    if path.is_dir() and not file.exists():
        raise FileNotFoundError(
            f"expected a {TOKENIZER_FILE} but {path} has none; put it there, or encode with another library "
            "and give the ids with --prompt-ids"
        )
    return file


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=object_without_repetition)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON in line {error.lineno} ({error.msg}); get the file anew") from None
    except RecursionError:
        raise ValueError("is nested too deeply; get the file anew") from None
    except ValueError as error:
        raise ValueError(f"{error}; get the file anew") from None


def _read_content(content: Any) -> TokenizerDefinition:
    fields = fields_of(content, "a content", FIELDS)
    _refuse_sentencepiece(fields)
    _refuse_what_changes_texts(fields)
    steps = steps_of(fields.get("pre_tokenizer"))
    model = read_model(fields.get("model"))
    special_token_ids = read_added_tokens(fields.get("added_tokens"), model.keys)
    return TokenizerDefinition(
        vocab=model.entries(special_token_ids),
        merges=model.merges,
        special_token_ids=special_token_ids,
        steps=steps,
        takes_whole_words=model.takes_whole_words,
        begin_of_text=begin_of_text_of(fields.get("post_processor"), special_token_ids),
        file_format="huggingface",
    )


def _refuse_sentencepiece(fields: dict[str, Any]) -> None:
    model = fields.get("model")
    model = model if isinstance(model, dict) else {}
    signs = [model.get("type"), "byte_fallback" if model.get("byte_fallback") else None]
    for part, list_name in [
        ("normalizer", "normalizers"),
        ("pre_tokenizer", "pretokenizers"),
        ("decoder", "decoders"),
    ]:
        signs += [member["type"] for member in members_of(fields.get(part), f"a {part}", list_name=list_name)]
    for sign in signs:
        if sign in SENTENCEPIECE_PARTS | {"byte_fallback"}:
            raise ValueError(SENTENCEPIECE.format(sign=sign))


def _refuse_what_changes_texts(fields: dict[str, Any]) -> None:
    if fields.get("version") != FORMAT_VERSION:
        damaged("a version", fields.get("version"))
    for name in ("truncation", "padding"):
        if fields.get(name) is not None:
            refuse(f"a {name}")
    for member in members_of(fields.get("normalizer"), "a normalizer", list_name="normalizers"):
        refuse(f"the normalizer {member['type']}")
    decoders = [m["type"] for m in members_of(fields.get("decoder"), "a decoder", list_name="decoders")]
    if decoders != ["ByteLevel"]:
        refuse(f"the decoder {' and '.join(decoders) or 'null'} instead of ByteLevel")
