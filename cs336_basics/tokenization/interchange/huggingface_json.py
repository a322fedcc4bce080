"""Our tokenizer as the content of a `tokenizer.json`, the one file that Hugging Face's tokenizers reads.

Its vocabulary spells bytes in GPT-2's alphabet, and special tokens as they are; the latter stand in
`added_tokens` too, which is what makes them special.
"""

from collections.abc import Mapping
from typing import Any

from cs336_basics.tokenization.byte_tokens import from_characters, to_characters
from cs336_basics.tokenization.interchange.tiktoken_ranks import require_all_bytes
from cs336_basics.tokenization.serialization import Merges, vocabulary_keys

TOKENIZER_FILE = "tokenizer.json"
FORMAT_VERSION = "1.0"

# Text becomes characters for bytes and back; `trim_offsets` concerns places in the text, which we do not ask.
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def tokenizer_json(
    vocab: Mapping[int, bytes], merges: Merges, special_token_ids: Mapping[str, int]
) -> dict[str, Any]:
    """Return the content with which Hugging Face gives the same ids, special tokens included.

    Raises `ValueError` for a vocabulary that it would read otherwise, naming the first entry at fault.
    """
    keys = huggingface_keys(vocab, merges, special_token_ids)
    # Of a merge that is listed twice, the first counts here and the last would count there.
    pairs = [[to_characters(left), to_characters(right)] for left, right in dict.fromkeys(merges)]
    return {
        "version": FORMAT_VERSION,
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(text, id) for text, id in special_token_ids.items()],
        "normalizer": None,
        "pre_tokenizer": BYTE_LEVEL,
        "post_processor": None,
        "decoder": BYTE_LEVEL,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": keys,
            "merges": pairs,
        },
    }


def huggingface_keys(
    vocab: Mapping[int, bytes], merges: Merges, special_token_ids: Mapping[str, int]
) -> dict[str, int]:
    """Return the key of each entry, if Hugging Face reads every one of them as we do.

    It takes any key that consists of GPT-2's characters for bytes, and a special token for the entry whose
    key is its text, or for a new one.
    """
    require_all_bytes(vocab)
    keys = vocabulary_keys(vocab, merges)
    for key, id in keys.items():
        if huggingface_decodes(key) != vocab[id]:
            raise ValueError(
                "for Hugging Face, the text of a special token must not look like bytes in GPT-2's alphabet "
                f"but entry {id} ({key!r}) does; choose another text for it"
            )
    for text, id in special_token_ids.items():
        if keys.get(text) != id:
            raise ValueError(
                f"for Hugging Face, a special token must have an entry of its own but {text!r} shares entry "
                f"{id} with a byte or learned token; choose another text for it"
            )
    return keys


def huggingface_decodes(key: str) -> bytes:
    """Return the bytes that their decoder makes of a key: "Ġthe" -> b" the", "<日>" -> itself."""
    try:
        return from_characters(key)
    except KeyError:
        return key.encode()


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
