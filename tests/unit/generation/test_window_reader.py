"""What the reader computes and what it does not; that its logits are right is in test_decoding.py, too."""

import pytest
import torch

from cs336_basics.generation.plain_decoding import next_token_logits
from cs336_basics.generation.window_reader import WindowReader
from tests.unit.generation.models import decided_model


class CountingReader(WindowReader):
    """Writes down the sizes of what the model is given."""

    def __init__(self, model) -> None:
        super().__init__(model)
        self.prefilled: list[tuple[int, ...]] = []
        self.decoded: list[int] = []
        prefill, decode = model.prefill, model.decode

        def counted_prefill(ids, lengths, cache):
            self.prefilled.append(tuple(lengths))
            return prefill(ids, lengths, cache)

        def counted_decode(ids, cache):
            self.decoded.append(len(ids))
            return decode(ids, cache)

        model.prefill, model.decode = counted_prefill, counted_decode

    def check(self, windows: dict[int, list[int]]) -> None:
        """Compare the logits with those of whole forward passes."""
        with torch.inference_mode():
            found = self.next_token_logits(windows)
            expected = next_token_logits(self.model, list(windows.values()))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.fixture
def reader():
    return CountingReader(decided_model())


def test_a_window_is_read_once_and_then_token_by_token(reader):
    for length in (3, 4, 5, 6):
        reader.check({0: [3, 1, 4, 1, 5, 9][:length]})
    assert reader.prefilled == [(3,)]
    assert reader.decoded == [1, 1, 1]


def test_new_windows_are_read_together(reader):
    reader.check({0: [3, 1, 4], 1: [5], 2: [9, 2]})
    reader.check({0: [3, 1, 4, 6], 1: [5, 3], 2: [9, 2, 5]})
    assert reader.prefilled == [(3, 1, 2)]
    assert reader.decoded == [3]


def test_a_window_that_was_cut_is_read_again_and_the_others_are_not(reader):
    reader.check({0: [3, 1, 4], 1: [5, 9, 2, 6, 5, 3, 5], 2: [9, 2]})
    reader.check({0: [3, 1, 4, 6], 1: [3, 5, 8], 2: [9, 2, 5]})
    reader.check({0: [3, 1, 4, 6, 2], 1: [3, 5, 8, 9], 2: [9, 2, 5, 7]})
    assert reader.prefilled == [(3, 7, 2), (3,)]
    assert reader.decoded == [2, 3]


def test_a_full_window_that_moved_on_by_a_token_is_read_again(reader):
    reader.check({0: [5, 9, 2, 6, 5, 3, 5]})
    reader.check({0: [9, 2, 6, 5, 3, 5, 8]})
    assert reader.prefilled == [(7,), (7,)]
    assert reader.decoded == []


def test_rows_that_are_missing_cost_nothing_more(reader):
    reader.check({0: [3, 1, 4], 1: [5], 2: [9, 2]})
    reader.check({0: [3, 1, 4, 6], 2: [9, 2, 5]})
    reader.check({2: [9, 2, 5, 7]})
    assert reader.decoded == [2, 1]
    assert reader.cache.lengths == [4]


def test_rows_may_come_in_any_order(reader):
    reader.check({7: [3, 1, 4], 2: [5], 5: [9, 2]})
    reader.check({7: [3, 1, 4, 6], 2: [5, 5], 5: [9]})
    reader.check({5: [9, 9], 7: [3, 1, 4, 6, 1], 2: [5, 5, 2]})
    assert reader.prefilled == [(3, 1, 2), (1,)]
    assert reader.decoded == [2, 3]
