"""Our tokenizer as an object of another library: tiktoken, or Hugging Face's tokenizers.

The objects give the same ids and the same text, special tokens included, with these calls:

    to_tiktoken(...).encode(text, allowed_special="all")      .decode(ids)
    to_huggingface(...).encode(text).ids                      .decode(ids, skip_special_tokens=False)

for every text whose code points both sides take for the same kind (`unicode_differences.py` lists the
others). Elsewhere they keep their own ways: tiktoken replaces lone surrogates where we refuse them, and
refuses a run of about a million white-space characters. Both read a vocabulary in ways that ours need not
fit (`tiktoken_ranks.py` says how tiktoken does); such a vocabulary is refused.

All functions take vocabulary, merges and special tokens as a `Tokenizer` holds them, which has checked them.
The two libraries are optional and imported here only.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cs336_basics.tokenization.byte_tokens import from_characters, to_characters
from cs336_basics.tokenization.interchange.optional_packages import needs_extra
from cs336_basics.tokenization.interchange.tiktoken_ranks import Merges, mergeable_ranks, require_all_bytes
from cs336_basics.tokenization.pretokenization import GPT2_PATTERN
from cs336_basics.tokenization.serialization import vocabulary_keys

if TYPE_CHECKING:
    import tiktoken
    import tokenizers


def to_tiktoken(
    vocab: Mapping[int, bytes], merges: Merges, special_token_ids: Mapping[str, int]
) -> "tiktoken.Encoding":
    """Return a `tiktoken.Encoding` with the same ids.

    Raises `ValueError` for a vocabulary that tiktoken would read otherwise, naming the first entry at fault,
    and `ImportError` if tiktoken is not installed.
    """
    with needs_extra("tiktoken"):
        import tiktoken

    return tiktoken.Encoding(
        "cs336_basics",
        pat_str=GPT2_PATTERN,
        mergeable_ranks=mergeable_ranks(vocab, merges, special_token_ids),
        special_tokens=dict(special_token_ids),
    )


def to_huggingface(
    vocab: Mapping[int, bytes], merges: Merges, special_token_ids: Mapping[str, int]
) -> "tokenizers.Tokenizer":
    """Return a `tokenizers.Tokenizer` with the same ids; of overlapping special tokens it takes the longest.

    Raises `ValueError` for a vocabulary that it would read otherwise, naming the first entry at fault, and
    `ImportError` if tokenizers is not installed.
    """
    with needs_extra("huggingface"):
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    keys = _huggingface_keys(vocab, merges, special_token_ids)
    # Of a merge that is listed twice, the first counts here and the last would count there.
    pairs = [(to_characters(left), to_characters(right)) for left, right in dict.fromkeys(merges)]
    tokenizer = Tokenizer(models.BPE(keys, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(text, normalized=False, special=True) for text in special_token_ids]
    )
    return tokenizer


def _huggingface_keys(
    vocab: Mapping[int, bytes], merges: Merges, special_token_ids: Mapping[str, int]
) -> dict[str, int]:
    """Return the keys of `vocab.json`, if Hugging Face reads every one of them as we do.

    It takes any key that consists of GPT-2's characters for bytes, and a special token for the entry whose
    key is its text, or for a new one.
    """
    require_all_bytes(vocab)
    keys = vocabulary_keys(vocab, merges)
    for key, id in keys.items():
        if _huggingface_decodes(key) != vocab[id]:
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


def _huggingface_decodes(key: str) -> bytes:
    """Return the bytes that their decoder makes of a key: "Ġthe" -> b" the", "<日>" -> itself."""
    try:
        return from_characters(key)
    except KeyError:
        return key.encode()
