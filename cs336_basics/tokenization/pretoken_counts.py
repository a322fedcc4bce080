"""Count the pre-tokens of a text file: all that training needs to know about the text.

Workers count chunks of the file and send back counts, not text, so memory follows the number of distinct
pre-tokens and not the size of the file.
"""

import math
import os
from collections import Counter
from collections.abc import Sequence

from cs336_basics.files.text import require_text_file
from cs336_basics.tokenization.chunking import CHUNK_BYTES, chunk_ranges, read_chunk
from cs336_basics.tokenization.pretokenization import pretoken_batches
from cs336_basics.tokenization.progress import progress_bar
from cs336_basics.tokenization.special_tokens import compile_special_pattern, split_on_special_tokens
from cs336_basics.tokenization.worker_pool import choose_num_workers, map_in_order


def count_pretokens(
    input_path: str | os.PathLike[str],
    special_tokens: Sequence[str],
    *,
    num_workers: int | None = None,
    progress: bool = False,
    chunk_bytes: int = CHUNK_BYTES,
) -> Counter[str]:
    """Return how often each pre-token occurs between the special tokens of a UTF-8 file.

    The counts depend neither on the number of workers nor on the size of the chunks. Raises
    `FileNotFoundError`, or `ValueError` for an empty file or one that is not UTF-8.
    """
    size = require_text_file(input_path).stat().st_size
    num_workers = choose_num_workers(num_workers, num_tasks=math.ceil(size / chunk_bytes))
    ranges = chunk_ranges(input_path, special_tokens, chunk_bytes=chunk_bytes)
    shared = (input_path, list(special_tokens))
    total = Counter()
    with progress_bar(total=size, unit="B", description="counting words", shown=progress) as bar:
        for num_bytes, counts in map_in_order(_count_chunk, shared, ranges, num_workers=num_workers):
            total.update(counts)
            bar.update(num_bytes)
    return total


def _count_chunk(
    shared: tuple[str | os.PathLike[str], list[str]], byte_range: tuple[int, int]
) -> tuple[int, Counter[str]]:
    """Return the length of one chunk in bytes and the counts of its pre-tokens."""
    path, special_tokens = shared
    start, end = byte_range
    return end - start, count_pretokens_of_text(read_chunk(path, start, end), special_tokens)


def count_pretokens_of_text(text: str, special_tokens: Sequence[str]) -> Counter[str]:
    """Return how often each pre-token occurs between the special tokens of `text`."""
    pattern = compile_special_pattern(special_tokens)
    counts = Counter()
    for ordinary_text, _ in split_on_special_tokens(text, pattern):
        for pretokens in pretoken_batches(ordinary_text):
            counts.update(pretokens)
    return counts
