"""Learn a byte-level BPE vocabulary from a text file (Sennrich et al. 2016; Radford et al. 2019).

Start from single bytes; again and again make the most frequent pair of adjacent tokens a new token. What
makes this quick is elsewhere: the text is reduced to the counts of its distinct pre-tokens
(`pretoken_counts.py`), and the pair counts are kept up to date instead of being recounted
(`pair_statistics.py`).

No two merges make the same bytes: what happens to a stretch of bytes whose ends no merge crosses depends
on these bytes only, so it always becomes one token by the same merges. A special token may have the bytes
of a learned one; then both are in the vocabulary.
"""

import os
import warnings
from collections.abc import Sequence

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, NUM_BYTES
from cs336_basics.tokenization.pair_statistics import PairStatistics
from cs336_basics.tokenization.pretoken_counts import count_pretokens
from cs336_basics.tokenization.progress import progress_bar
from cs336_basics.tokenization.special_tokens import check_special_tokens


def train_bpe(
    input_path: str | os.PathLike[str],
    vocab_size: int,
    special_tokens: Sequence[str],
    *,
    num_workers: int | None = None,
    progress: bool = False,
) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]]]:
    """Return the vocabulary (special tokens, then the 256 bytes, then merges) and the merges in order.

    The text is cut at the special tokens and into pre-tokens first; no pair crosses either. Of equally
    frequent pairs the one with the greater (left bytes, right bytes) is merged. `num_workers` processes
    (one for each usable CPU by default, none for a small file) count the pre-tokens; the result does not
    depend on them. `progress` shows bars on the standard error output.

    Warns if the text runs out of pairs before `vocab_size` entries. Raises `ValueError` for a `vocab_size`
    below 256 plus the special tokens, a bad special token, or a file that is empty or not UTF-8, and
    `FileNotFoundError`.
    """
    check_special_tokens(special_tokens)
    num_merges = vocab_size - NUM_BYTES - len(special_tokens)
    if num_merges < 0:
        raise ValueError(
            f"vocab_size must be at least {NUM_BYTES + len(special_tokens)} (256 bytes and "
            f"{len(special_tokens)} special tokens) but is {vocab_size}; raise it"
        )
    word_counts = count_pretokens(input_path, special_tokens, num_workers=num_workers, progress=progress)
    merges = learn_merges(word_counts, num_merges, progress=progress)
    tokens = [token.encode() for token in special_tokens]
    tokens += BYTE_TOKENS
    tokens += [left + right for left, right in merges]
    if len(tokens) < vocab_size:
        warnings.warn(
            f"{input_path} has no pair left to merge after {len(tokens)} of {vocab_size} entries; "
            "use more text or a smaller vocab_size",
            stacklevel=2,
        )
    return dict(enumerate(tokens)), merges


def learn_merges(
    word_counts: dict[str, int], num_merges: int, *, progress: bool = False
) -> list[tuple[bytes, bytes]]:
    """Return up to `num_merges` merges; fewer if every word has become a single token."""
    statistics = PairStatistics(word_counts)
    merges = []
    with progress_bar(total=num_merges, unit="merge", description="merging", shown=progress) as bar:
        while len(merges) < num_merges:
            pair = statistics.most_frequent_pair()
            if pair is None:
                break
            left, right = pair
            merges.append((statistics.symbol_bytes[left], statistics.symbol_bytes[right]))
            statistics.merge(pair)
            bar.update()
    return merges
