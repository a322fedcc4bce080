import lzma
import random

import pytest

from cs336_basics.quickstart.compression import compress_with_lzma, compressed_size


def test_a_text_seen_before_costs_little_more(tmp_path):
    noise = random.Random(3).randbytes(20_000)
    (tmp_path / "train").write_bytes(noise)
    (tmp_path / "validation").write_bytes(noise)
    result = compress_with_lzma(tmp_path / "train", tmp_path / "validation")
    assert result.alone == pytest.approx(8.0, abs=0.1)
    assert result.after_training_text < 0.3


def test_compressed_size_is_at_least_as_small_as_the_highest_preset():
    text = b"".join(b"line %d of a text that repeats itself\n" % (number % 97) for number in range(5000))
    assert compressed_size(None, text) <= len(lzma.compress(text, preset=9)) + 16
