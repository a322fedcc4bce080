"""Learn a byte-level BPE vocabulary (Sennrich et al. 2016; Radford et al. 2019).

Start from single bytes; again and again make the most frequent pair of adjacent tokens a new token.

Read, and step through, `train_bpe_plainly` first: it is the definition, for a text in memory. `train_bpe`
is the same for files of any size and many times as fast: the distinct pre-tokens are counted by workers
(`pretoken_counts.py`), and the pairs are kept in arrays (`bulk/merge_learning.py`). Tests hold both equal,
merge for merge.

No two merges make the same bytes: what happens to a stretch of bytes whose ends no merge crosses depends
on these bytes only, so it always becomes one token by the same merges. A special token may have the bytes
of a learned one; then both are in the vocabulary.
"""

import os
import warnings
from collections.abc import Sequence

from cs336_basics.tokenization.bulk.merge_learning import BulkPairStatistics
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, NUM_BYTES
from cs336_basics.tokenization.pair_statistics import PairStatistics
from cs336_basics.tokenization.pretoken_counts import count_pretokens, count_pretokens_of_text
from cs336_basics.tokenization.progress import progress_bar
from cs336_basics.tokenization.special_tokens import check_special_tokens

Vocabulary = dict[int, bytes]
Merges = list[tuple[bytes, bytes]]


def train_bpe_plainly(text: str, vocab_size: int, special_tokens: Sequence[str]) -> tuple[Vocabulary, Merges]:
    """Return what `train_bpe` returns for a file that holds `text`: the readable way."""
    num_merges = number_of_merges(vocab_size, special_tokens)
    word_counts = count_pretokens_of_text(text, special_tokens)
    merges = learn_merges(PairStatistics(word_counts), num_merges)
    return make_vocabulary(special_tokens, merges), merges


def train_bpe(
    input_path: str | os.PathLike[str],
    vocab_size: int,
    special_tokens: Sequence[str],
    *,
    num_workers: int | None = None,
    progress: bool = False,
) -> tuple[Vocabulary, Merges]:
    """Return the vocabulary (special tokens, then the 256 bytes, then merges) and the merges in order.

    The text is cut at the special tokens and into pre-tokens first; no pair crosses either. Of equally
    frequent pairs the one with the greater (left bytes, right bytes) is merged. `num_workers` processes
    (one for each usable CPU by default, none for a small file) count the pre-tokens; the result does not
    depend on them. `progress` shows bars on the standard error output. Memory follows the distinct
    pre-tokens, not the size of the file.

    Warns if the text runs out of pairs before `vocab_size` entries. Raises `ValueError` for a `vocab_size`
    below 256 plus the special tokens, a bad special token, or a file that is empty or not UTF-8, and
    `FileNotFoundError`.
    """
    num_merges = number_of_merges(vocab_size, special_tokens)
    word_counts = count_pretokens(input_path, special_tokens, num_workers=num_workers, progress=progress)
    merges = learn_merges(BulkPairStatistics(word_counts), num_merges, progress=progress)
    vocab = make_vocabulary(special_tokens, merges)
    if len(vocab) < vocab_size:
        warnings.warn(
            f"{input_path} has no pair left to merge after {len(vocab)} of {vocab_size} entries; "
            "use more text or a smaller vocab_size",
            stacklevel=2,
        )
    return vocab, merges


def number_of_merges(vocab_size: int, special_tokens: Sequence[str]) -> int:
    """Return how many merges fill the vocabulary; raise `ValueError` if the arguments fit none."""
    check_special_tokens(special_tokens)
    num_merges = vocab_size - NUM_BYTES - len(special_tokens)
    if num_merges < 0:
        raise ValueError(
            f"vocab_size must be at least {NUM_BYTES + len(special_tokens)} (256 bytes and "
            f"{len(special_tokens)} special tokens) but is {vocab_size}; raise it"
        )
    return num_merges


def learn_merges(
    statistics: PairStatistics | BulkPairStatistics, num_merges: int, *, progress: bool = False
) -> Merges:
    """Return up to `num_merges` merges; fewer if every word has become a single token."""
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


def make_vocabulary(special_tokens: Sequence[str], merges: Merges) -> Vocabulary:
    """Number the special tokens, then the bytes, then the products of the merges."""
    tokens = [token.encode() for token in special_tokens]
    tokens += BYTE_TOKENS
    tokens += [left + right for left, right in merges]
    return dict(enumerate(tokens))
