r"""A vocabulary as tiktoken wants it, entry to id, refused where ids alone do not tell the merges.

tiktoken knows no merges. It looks a whole pre-token up in the vocabulary; what is none, it merges: of all
adjacent pairs whose joined bytes are an entry, the one with the lowest id, the leftmost of equals. That gives
our tokens if

1. the ids of what merges make ascend strictly in the order of the merges (so no two make the same bytes),
2. every product is what our merges make of its bytes alone, and
3. no other entry of more than one byte takes part.

Proof. Let both have come to the same symbols of a pre-token, x and y be adjacent, and x + y be a product. No
merge so far has crossed the ends of x + y. Those inside it were each the first choice of all possible ones,
hence of those inside: they are how our merges begin on the bytes of x + y alone. By (2) these end in the one
symbol x + y, and by (1) only one merge makes it; x and y are the two symbols before its last step, so (x, y)
is this merge. With (3), tiktoken's candidates are therefore exactly ours, and by (1) both choose the same.
The lookup of a whole pre-token gives what merging gives, by (2).

What `train_bpe` learns has all three; `bpe_training.py` tells why a stretch of bytes always becomes one token
by the same merges. Ids of single bytes and of special tokens may be any.
"""

from collections.abc import Mapping, Sequence

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.merging import merge_symbols

Merges = Sequence[tuple[bytes, bytes]]


def mergeable_ranks(
    vocab: Mapping[int, bytes], merges: Merges, special_token_ids: Mapping[str, int]
) -> dict[bytes, int]:
    """Return the id of each byte and product, the higher one of two; raise `ValueError` as above."""
    require_all_bytes(vocab)
    ids = {token: id for id, token in sorted(vocab.items())}
    ranks = {token: ids[token] for token in BYTE_TOKENS}
    ranks |= {left + right: ids[left + right] for left, right in merges}
    _check_other_entries(vocab, {*ranks.values(), *special_token_ids.values()})
    _check_ids_ascend(merges, ranks)
    _check_products_merge_to_themselves(merges, ranks)
    _check_no_prefixes(special_token_ids)
    return ranks


def require_all_bytes(vocab: Mapping[int, bytes]) -> None:
    """Raise `ValueError` if a byte has no entry: other libraries crash on such a byte or drop it."""
    entries = set(vocab.values())
    for token in BYTE_TOKENS:
        if token not in entries:
            raise ValueError(
                f"every byte must have an entry, to be exported, but 0x{token[0]:02x} has none; "
                "add the missing bytes to the vocabulary"
            )


def _check_other_entries(vocab: Mapping[int, bytes], known_ids: set[int]) -> None:
    for id, token in sorted(vocab.items()):
        if id not in known_ids:
            raise ValueError(
                "for tiktoken, every entry must be a byte, what a merge makes, or a listed special token but "
                f"entry {id} ({token!r}) is none of these; list it as a special token or remove it"
            )


def _check_ids_ascend(merges: Merges, ranks: Mapping[bytes, int]) -> None:
    previous_id = -1
    for place, (left, right) in enumerate(merges):
        id = ranks[left + right]
        if id <= previous_id:
            raise ValueError(
                f"for tiktoken, which merges by id, the ids that merges make must ascend but merge {place} "
                f"makes entry {id} ({left + right!r}) after entry {previous_id}; renumber the vocabulary in "
                "the order of its merges, or export to Hugging Face"
            )
        previous_id = id


def _check_products_merge_to_themselves(merges: Merges, ranks: Mapping[bytes, int]) -> None:
    pair_ranks = {(ranks[left], ranks[right]): place for place, (left, right) in enumerate(merges)}
    products = [ranks[left + right] for left, right in merges]
    for left, right in merges:
        token = left + right
        symbols = merge_symbols([ranks[BYTE_TOKENS[byte]] for byte in token], pair_ranks, products)
        if symbols != [ranks[token]]:
            raise ValueError(
                "for tiktoken, which looks up whole pre-tokens, what a merge makes must be what its bytes "
                f"alone merge to but entry {ranks[token]} ({token!r}) merges to {len(symbols)} tokens; "
                "leave out this merge, or export to Hugging Face"
            )


def _check_no_prefixes(special_token_ids: Mapping[str, int]) -> None:
    for token in special_token_ids:
        for longer in special_token_ids:
            if longer != token and longer.startswith(token):
                raise ValueError(
                    "for tiktoken, which does not prefer the longer one, no special token may begin another "
                    f"but {token!r} begins {longer!r}; rename one, or export to Hugging Face"
                )
