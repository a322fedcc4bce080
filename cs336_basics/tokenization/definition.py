"""All that defines a tokenizer: its entries and merges, and in what it differs from GPT-2's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Literal

from cs336_basics.tokenization.pretokenization_steps import GPT2_STEPS, Step
from cs336_basics.tokenization.special_tokens import check_special_tokens, with_special_tokens

LARGEST_ID = (1 << 31) - 1

FileFormat = Literal["gpt2", "huggingface"]


@dataclass(frozen=True, kw_only=True)
class TokenizerDefinition:
    """Raises `ValueError` for special tokens that share an id, and for an id that no token file can hold."""

    vocab: Mapping[int, bytes]
    """The bytes of each entry that ordinary text can become; other entries may be among them."""
    merges: Sequence[tuple[bytes, bytes]]
    """Pairs of entries in the order in which they are merged."""
    special_token_ids: Mapping[str, int]
    """The id of each special token."""
    steps: tuple[Step, ...] = GPT2_STEPS
    """How ordinary text becomes pre-tokens."""
    takes_whole_words: bool = False
    """Whether a pre-token that is an entry is taken as it is, without merging."""
    begin_of_text: str | None = None
    """The special token that models expect in front of a text."""
    file_format: FileFormat = "gpt2"
    """Which files hold all of this: `vocab.json` with `merges.txt`, or `tokenizer.json`."""

    def __post_init__(self) -> None:
        check_special_tokens(list(self.special_token_ids))
        check_ids(self.vocab)
        check_ids(self.entries)
        if len(set(self.special_token_ids.values())) < len(self.special_token_ids):
            raise ValueError(
                f"special tokens must have an id each but two share one in {dict(self.special_token_ids)}; "
                "give them different ones"
            )
        if self.begin_of_text is not None and self.begin_of_text not in self.special_token_ids:
            raise ValueError(
                f"begin_of_text must be a special token but {self.begin_of_text!r} is none; give it an id"
            )

    @property
    def entries(self) -> dict[int, bytes]:
        """The bytes of each entry, special tokens included."""
        return {**self.vocab, **{id: text.encode() for text, id in self.special_token_ids.items()}}


def plain_definition(
    vocab: dict[int, bytes], merges: Sequence[tuple[bytes, bytes]], special_tokens: Sequence[str]
) -> TokenizerDefinition:
    """Return GPT-2's way with these; special tokens that the vocabulary lacks get the next free ids."""
    check_ids(vocab)
    check_special_tokens(special_tokens)
    vocab, special_token_ids = with_special_tokens(vocab, special_tokens)
    return TokenizerDefinition(vocab=vocab, merges=list(merges), special_token_ids=special_token_ids)


def check_ids(vocab: Mapping[int, bytes]) -> None:
    """Raise `ValueError` if there is no entry, or an id that a token file cannot hold, or another type."""
    for id, token in vocab.items():
        if not (isinstance(id, Integral) and isinstance(token, bytes)):
            raise ValueError(f"a vocabulary must map ids to bytes but maps {id!r} to {token!r}; correct it")
    if not vocab or min(vocab) < 0:
        found = f"the id {min(vocab)}" if vocab else "no entry"
        raise ValueError(f"a vocabulary must map ids from 0 up to bytes but has {found}; correct it")
    if max(vocab) > LARGEST_ID:
        raise ValueError(f"ids must be below 2^31 but one is {max(vocab)}; number the entries from 0 up")
