"""Our tokenizer as the content of a `tokenizer.json`, the one file that Hugging Face's tokenizers reads.

Its vocabulary spells bytes in GPT-2's alphabet, and special tokens as they are; the latter stand in
`added_tokens` too, which is what makes them special.
"""

from typing import Any

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, from_characters, to_characters
from cs336_basics.tokenization.definition import TokenizerDefinition
from cs336_basics.tokenization.interchange.huggingface_pretokenizer import pretokenizer_json
from cs336_basics.tokenization.interchange.huggingface_template import template_json
from cs336_basics.tokenization.interchange.tiktoken_ranks import require_all_bytes

TOKENIZER_FILE = "tokenizer.json"
FORMAT_VERSION = "1.0"

# Characters for bytes become text again; the other fields concern its way into them.
DECODER = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def tokenizer_json(definition: TokenizerDefinition) -> dict[str, Any]:
    """Return the content with which Hugging Face gives the same ids, special tokens included.

    Raises `ValueError` for a vocabulary that it would read otherwise, naming the first entry at fault.
    """
    keys = huggingface_keys(definition)
    # Of a merge that is listed twice, the first counts here and the last would count there.
    merges = [[to_characters(left), to_characters(right)] for left, right in dict.fromkeys(definition.merges)]
    return {
        "version": FORMAT_VERSION,
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(text, id) for text, id in definition.special_token_ids.items()],
        "normalizer": None,
        "pre_tokenizer": pretokenizer_json(definition.steps),
        "post_processor": template_json(definition.begin_of_text, definition.special_token_ids),
        "decoder": DECODER,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": definition.takes_whole_words,
            "vocab": keys,
            "merges": merges,
        },
    }


def huggingface_keys(definition: TokenizerDefinition) -> dict[str, int]:
    """Return the key of each entry, if Hugging Face reads every one of them as we do.

    It takes any key that consists of GPT-2's characters for bytes, and a special token for the entry whose
    key is its text, or for a new one.
    """
    require_all_bytes(definition.vocab)
    keys = dict(definition.special_token_ids)
    special_ids = set(keys.values())
    for id, token in definition.vocab.items():
        if id not in special_ids:
            _add_key(keys, to_characters(token), id, definition)
    _check_texts_of_special_tokens(definition)
    _check_no_entry_is_shared(keys, definition)
    return dict(sorted(keys.items(), key=lambda item: item[1]))


def huggingface_decodes(key: str) -> bytes:
    """Return the bytes that their decoder makes of a key: "Ġthe" -> b" the", "<日>" -> itself."""
    try:
        return from_characters(key)
    except KeyError:
        return key.encode()


def _add_key(keys: dict[str, int], key: str, id: int, definition: TokenizerDefinition) -> None:
    if key in definition.special_token_ids:
        raise ValueError(
            f"each key of a tokenizer.json must stand for one entry but {key!r}, the text of special token "
            f"{keys[key]}, already stands for another; choose another text for it"
        )
    if key in keys:
        raise ValueError(
            f"each key of a tokenizer.json must stand for one entry but {key!r} stands for entries "
            f"{keys[key]} and {id}; leave one out"
        )
    keys[key] = id


def _check_texts_of_special_tokens(definition: TokenizerDefinition) -> None:
    for text, id in definition.special_token_ids.items():
        if huggingface_decodes(text) != text.encode():
            raise ValueError(
                "for Hugging Face, the text of a special token must not look like bytes in GPT-2's alphabet "
                f"but entry {id} ({text!r}) does; choose another text for it"
            )


def _check_no_entry_is_shared(keys: dict[str, int], definition: TokenizerDefinition) -> None:
    """Of the entries that make up ordinary text, all must have kept the key of their bytes."""
    learned = [left + right for left, right in definition.merges]
    for token in (*BYTE_TOKENS, *learned):
        if to_characters(token) not in keys:
            text = token.decode()
            raise ValueError(
                f"for Hugging Face, a special token must have an entry of its own but {text!r} shares entry "
                f"{definition.special_token_ids[text]} with a byte or learned token; choose another text"
            )


def _added_token(text: str, id: int) -> dict[str, Any]:
    return {
        "id": id,
        "content": text,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
