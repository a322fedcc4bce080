"""What a strong general compressor makes of the same bytes: something to hold a language model against."""

import lzma
from dataclasses import dataclass
from pathlib import Path

from cs336_basics.tokenization.worker_pool import map_in_order, usable_cpus


@dataclass(frozen=True, kw_only=True)
class CompressionResult:
    """Bits per byte of the validation text."""

    alone: float
    """Compressed on its own."""
    after_training_text: float
    """What it adds to the compressed training text, which the compressor has then seen whole."""


def compress_with_lzma(train_path: Path, validation_path: Path) -> CompressionResult:
    """Compress the validation text at lzma's strongest, with a dictionary that holds all of both texts."""
    train, validation = train_path.read_bytes(), validation_path.read_bytes()
    texts = [validation, train + validation, train]
    alone, both, train_only = map_in_order(
        compressed_size, None, texts, num_workers=min(usable_cpus(), len(texts))
    )
    return CompressionResult(
        alone=8 * alone / len(validation), after_training_text=8 * (both - train_only) / len(validation)
    )


def compressed_size(_: None, data: bytes) -> int:
    """Return the size in bytes of `data` in lzma's strongest setting."""
    strongest = {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": max(4096, len(data)),
    }
    return len(lzma.compress(data, format=lzma.FORMAT_XZ, filters=[strongest]))
