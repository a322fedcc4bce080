"""Count the pre-tokens of a text: all that training needs to know about it.

`count_pretokens_of_text` is the definition. `count_pretokens` counts a file of any size: workers take
chunks of it and send back counts, not text, so memory follows the number of distinct pre-tokens.
"""

import math
import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cs336_basics.files.text import require_text_file
from cs336_basics.tokenization.bulk.text_words import TextWords
from cs336_basics.tokenization.chunking import CHUNK_BYTES, chunk_ranges, read_chunk
from cs336_basics.tokenization.gpt2_pretokenizer import GPT2Pretokenizer
from cs336_basics.tokenization.progress import progress_bar
from cs336_basics.tokenization.special_tokens import compile_special_pattern, split_on_special_tokens
from cs336_basics.tokenization.worker_pool import choose_num_workers, map_in_order

MAX_REMEMBERED_WORDS = 1 << 18  # in each worker; some 30 MB


def count_pretokens_of_text(text: str, special_tokens: Sequence[str]) -> Counter[bytes]:
    """Return how often each pre-token occurs between the special tokens of `text`."""
    pattern = compile_special_pattern(special_tokens)
    pretokenizer = GPT2Pretokenizer()
    counts = Counter()
    for ordinary_text, _ in split_on_special_tokens(text, pattern):
        for pretokens in pretokenizer.batches(ordinary_text):
            counts.update(pretokens)
    return Counter({pretoken.encode(): count for pretoken, count in counts.items()})


def count_pretokens(
    input_path: str | os.PathLike[str],
    special_tokens: Sequence[str],
    *,
    num_workers: int | None = None,
    progress: bool = False,
    chunk_bytes: int = CHUNK_BYTES,
) -> dict[bytes, int]:
    """Return how often each pre-token occurs between the special tokens of a UTF-8 file.

    The counts depend neither on the number of workers nor on the size of the chunks. Raises
    `FileNotFoundError`, or `ValueError` for an empty file or one that is not UTF-8.
    """
    size = require_text_file(input_path).stat().st_size
    num_workers = choose_num_workers(num_workers, num_tasks=math.ceil(size / chunk_bytes))
    ranges = chunk_ranges(input_path, special_tokens, chunk_bytes=chunk_bytes)
    counter = PretokenCounter(input_path, special_tokens)
    total: dict[bytes, int] = {}
    with progress_bar(total=size, unit="B", description="counting words", shown=progress) as bar:
        for num_bytes, words, counts in map_in_order(_count_chunk, counter, ranges, num_workers=num_workers):
            for word, count in zip(words, counts, strict=True):
                total[word] = total.get(word, 0) + count
            bar.update(num_bytes)
    return total


class PretokenCounter:
    """Count chunks of a file one by one; what one chunk taught about words serves the next."""

    def __init__(self, path: str | os.PathLike[str], special_tokens: Sequence[str]) -> None:
        self._path = path
        self._special_tokens = list(special_tokens)
        self._words = TextWords(special_tokens)

    def __reduce__(self) -> tuple:
        return type(self), (self._path, self._special_tokens)  # a worker learns its own words

    def count(self, byte_range: tuple[int, int]) -> tuple[list[bytes], list[int]]:
        """Return the pre-tokens of a chunk and how often each occurs, without the special tokens."""
        data = read_chunk(self._path, *byte_range)
        if len(self._words.words) > MAX_REMEMBERED_WORDS:
            self._words.forget()
        counts = np.bincount(self._words.rows_of(data))
        counts[: len(self._special_tokens)] = 0
        occurring = np.flatnonzero(counts)
        return [self._words.words[row] for row in occurring.tolist()], counts[occurring].tolist()


def _count_chunk(counter: PretokenCounter, byte_range: tuple[int, int]) -> tuple[int, list[bytes], list[int]]:
    """Return the length of one chunk in bytes, its pre-tokens and their counts."""
    start, end = byte_range
    return end - start, *counter.count(byte_range)
