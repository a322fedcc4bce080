"""Straight-forward implementations from the definitions, and texts, that the tests compare with."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import regex
from hypothesis import settings
from hypothesis import strategies as st

from cs336_basics.tokenization.bpe_training import learn_merges
from cs336_basics.tokenization.pair_statistics import PairStatistics

BOUNDED = settings(derandomize=True, deadline=None, max_examples=150)

# As printed in GPT-2's encoder.py, not the factored form that the package uses.
GPT2_ORIGINAL = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

SPECIAL_TOKENS = ["<|e|>", "<|e|><|f|>", "e|><", " .* ", "a b", "\n\n", "中中", "  <", "é\u3000"]
FRAGMENTS = [
    *(" ", "  ", "\n", "\r\n", "\t", "\x0b", "\x1c", "\x85", "\xa0", "\u2009", "\u2028", "\u3000", "\ufeff"),
    *(
        "'",
        "'r",
        "e",
        "'ll",
        "'s",
        "’s",
        "a",
        "b",
        "Hello",
        "é",
        "中",
        "1",
        "42",
        "٣",
        "!",
        "...",
        "😀",
        "\u0301",
    ),
    *("<", "<|", "|>", "<|e|>", "<|e|><|f|>", ".*", "\x00", "ſ"),
]
adversarial_text = st.lists(st.sampled_from(FRAGMENTS + SPECIAL_TOKENS), max_size=40).map("".join)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
some_special_tokens = st.lists(st.sampled_from(SPECIAL_TOKENS), unique=True)


def words_of(letters: str, max_size: int) -> st.SearchStrategy[bytes]:
    return st.text(letters, min_size=1, max_size=max_size).map(str.encode)


def split_by_definition(text: str, special_tokens: list[str]) -> list[tuple[str, bool]]:
    """Return (pre-token or special token, is it special) in order; the longest special token wins."""
    result = []
    ordinary = ""
    position = 0
    while position <= len(text):
        matches = [token for token in special_tokens if text.startswith(token, position)]
        if matches or position == len(text):
            result += [(pretoken, False) for pretoken in regex.findall(GPT2_ORIGINAL, ordinary)]
            ordinary = ""
        if matches:
            longest = max(matches, key=len)
            result.append((longest, True))
            position += len(longest)
        else:
            ordinary += text[position : position + 1]
            position += 1
    return result


def merge_everywhere(tokens: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    merged = []
    while tokens:
        if tuple(tokens[:2]) == pair:
            merged.append(tokens[0] + tokens[1])
            tokens = tokens[2:]
        else:
            merged.append(tokens[0])
            tokens = tokens[1:]
    return merged


def learn_merges_by_definition(
    word_counts: Mapping[bytes, int], num_merges: int
) -> list[tuple[bytes, bytes]]:
    """Recount all pairs before every merge."""
    words = [([bytes([byte]) for byte in word], count) for word, count in word_counts.items()]
    merges = []
    for _ in range(num_merges):
        pair_counts = Counter()
        for tokens, count in words:
            for pair in pairwise(tokens):
                pair_counts[pair] += count
        if not pair_counts:
            break
        best = max(pair_counts, key=lambda pair: (pair_counts[pair], pair))
        merges.append(best)
        words = [(merge_everywhere(tokens, best), count) for tokens, count in words]
    return merges


def encode_by_definition(
    text: str, vocab: dict[int, bytes], merges: list[tuple[bytes, bytes]], special_tokens: list[str]
) -> list[int]:
    """Merge the leftmost pair of the lowest rank, one at a time, on byte strings."""
    ids = {token: id for id, token in sorted(vocab.items())}
    special_ids = {token: id for id, token in sorted(vocab.items(), reverse=True)}
    result = []
    for piece, is_special in split_by_definition(text, special_tokens):
        if is_special:
            result.append(special_ids[piece.encode()])
            continue
        tokens = [bytes([byte]) for byte in piece.encode()]
        while True:
            ranked = [
                (merges.index(pair), place) for place, pair in enumerate(pairwise(tokens)) if pair in merges
            ]
            if not ranked:
                break
            _, place = min(ranked)
            tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]
        result += [ids[token] for token in tokens]
    return result


def real_text() -> str:
    """English with code in it: Python's own language reference, 600 KB in every installation."""
    from pydoc_data.topics import topics

    return "\n<|endoftext|>\n".join(topics.values())


def small_vocabulary(
    special_tokens: list[str], num_merges: int = 300
) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]]]:
    """Learn from real text and from the fragments above, so that merges beyond ASCII exist too."""
    words = regex.findall(GPT2_ORIGINAL, real_text()[:40_000]) + FRAGMENTS * 30 + ["中中", "ééé"] * 30
    merges = learn_merges(PairStatistics(Counter(word.encode() for word in words)), num_merges)
    tokens = [token.encode() for token in special_tokens] + [bytes([byte]) for byte in range(256)]
    return dict(enumerate(tokens + [left + right for left, right in merges])), merges
