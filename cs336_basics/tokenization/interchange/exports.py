"""Our tokenizer as an object of another library: tiktoken, or Hugging Face's tokenizers.

The objects give the same ids and the same text, special tokens included, with these calls:

    to_tiktoken(...).encode(text, allowed_special="all")      .decode(ids)
    to_huggingface(...).encode(text, add_special_tokens=False).ids
                                                              .decode(ids, skip_special_tokens=False)

for every text whose code points both sides take for the same kind (`unicode_differences.py` lists the
others). Elsewhere they keep their own ways: tiktoken replaces lone surrogates where we refuse them, and
refuses a run of about a million white-space characters. Both read a vocabulary in ways that ours need not
fit (`tiktoken_ranks.py` says how tiktoken does); such a vocabulary is refused.

Both functions take the definition of a `Tokenizer`, which has checked it. The two libraries are optional
and imported here only.
"""

import json
from typing import TYPE_CHECKING

from cs336_basics.tokenization.definition import TokenizerDefinition
from cs336_basics.tokenization.interchange.huggingface_json import tokenizer_json
from cs336_basics.tokenization.interchange.optional_packages import needs_extra
from cs336_basics.tokenization.interchange.tiktoken_ranks import mergeable_ranks
from cs336_basics.tokenization.pretokenization import GPT2_PATTERN
from cs336_basics.tokenization.pretokenization_steps import GPT2_STEPS

if TYPE_CHECKING:
    import tiktoken
    import tokenizers


def to_tiktoken(definition: TokenizerDefinition) -> "tiktoken.Encoding":
    """Return a `tiktoken.Encoding` with the same ids.

    Raises `ValueError` for other pre-tokens than GPT-2's and for a vocabulary that tiktoken would read
    otherwise, naming the first entry at fault, and `ImportError` if tiktoken is not installed.
    """
    with needs_extra("tiktoken"):
        import tiktoken

    if definition.steps != GPT2_STEPS or definition.takes_whole_words:
        raise ValueError(
            "for tiktoken, pre-tokens must be GPT-2's, and merged, but this tokenizer has other rules from a "
            "tokenizer.json; export to Hugging Face"
        )
    return tiktoken.Encoding(
        "cs336_basics",
        pat_str=GPT2_PATTERN,
        mergeable_ranks=mergeable_ranks(definition.vocab, definition.merges, definition.special_token_ids),
        special_tokens=dict(definition.special_token_ids),
    )


def to_huggingface(definition: TokenizerDefinition) -> "tokenizers.Tokenizer":
    """Return a `tokenizers.Tokenizer` with the same ids; of overlapping special tokens it takes the longest.

    Raises `ValueError` for a vocabulary that it would read otherwise, naming the first entry at fault, and
    `ImportError` if tokenizers is not installed.
    """
    with needs_extra("huggingface"):
        from tokenizers import Tokenizer

    content = tokenizer_json(definition)
    return Tokenizer.from_str(json.dumps(content))
