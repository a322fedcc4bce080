"""Encode a text file of any size to a file of token ids, chunk by chunk and in order."""

import math
import os

import numpy as np

from cs336_basics.files.outputs import require_other_file
from cs336_basics.files.text import require_text_file
from cs336_basics.files.token_file import token_dtype, write_token_file
from cs336_basics.tokenization.bulk.encoding import BulkEncoder
from cs336_basics.tokenization.chunking import CHUNK_BYTES, chunk_ranges, read_chunk
from cs336_basics.tokenization.plain_encoding import PlainEncoder
from cs336_basics.tokenization.progress import progress_bar
from cs336_basics.tokenization.worker_pool import choose_num_workers, map_in_order


def encode_text_file(
    encoder: BulkEncoder | PlainEncoder,
    input_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    *,
    vocab_size: int,
    num_workers: int | None = None,
    progress: bool = False,
    chunk_bytes: int = CHUNK_BYTES,
) -> int:
    """Write the ids of the file at `input_path` to `output_path`, which appears when complete.

    Returns the number of ids. `encoder` gives ids below `vocab_size`; each worker gets a copy. Only a few
    chunks are in memory at a time, and their cuts change no id (see `chunking.py`). Raises
    `FileNotFoundError` or `ValueError`.
    """
    size = require_text_file(input_path).stat().st_size
    require_other_file(output_path, input_path)
    num_workers = choose_num_workers(num_workers, num_tasks=math.ceil(size / chunk_bytes))
    ranges = chunk_ranges(input_path, encoder.special_tokens, chunk_bytes=chunk_bytes, cuts=encoder.cuts)
    shared = (encoder, input_path, token_dtype(vocab_size))
    with (
        write_token_file(output_path, vocab_size) as writer,
        progress_bar(total=size, unit="B", description="encoding", shown=progress) as bar,
    ):
        for num_bytes, ids in map_in_order(_encode_chunk, shared, ranges, num_workers=num_workers):
            writer.append(ids)
            bar.update(num_bytes)
    return writer.num_tokens


def _encode_chunk(
    shared: tuple[BulkEncoder | PlainEncoder, str | os.PathLike[str], np.dtype], byte_range: tuple[int, int]
) -> tuple[int, np.ndarray]:
    """Return the length of one chunk in bytes and its ids, as small as they will be on the disk."""
    encoder, path, dtype = shared
    start, end = byte_range
    return end - start, encoder.encode(read_chunk(path, start, end)).astype(dtype)
