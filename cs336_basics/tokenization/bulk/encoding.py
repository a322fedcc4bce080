"""Encode large pieces of text: each distinct word once, then its ids wherever it stands.

The ids of all words lie in one array; a word's row (`text_words.py`) tells where they begin and how many
they are. What is remembered of words seen before is dropped when it becomes too large.
"""

import threading
from collections.abc import Mapping
from itertools import chain

import numpy as np
from jaxtyping import Int, Int32

from cs336_basics.tokenization.bulk.growing_array import GrowingArray
from cs336_basics.tokenization.bulk.pair_ranks import NO_SYMBOL
from cs336_basics.tokenization.bulk.short_words import merge_short_words
from cs336_basics.tokenization.bulk.text_words import TextWords
from cs336_basics.tokenization.merge_table import MergeTable
from cs336_basics.tokenization.pretokenization import GPT2_CUTS

SHORT_WORD_WIDTHS = (16, 80)  # words are merged together with those of about their length
MAX_REMEMBERED_BYTES = 16 << 20  # of words; with their ids and the dictionary some ten times as much

Ints = Int[np.ndarray, " words"]


class BulkEncoder:
    """Encode bytes of UTF-8 as `Tokenizer.encode_plainly` encodes text; threads that share it take turns."""

    cuts = GPT2_CUTS

    def __init__(self, table: MergeTable, special_token_ids: Mapping[str, int]) -> None:
        self._table = table
        self._special_token_ids = special_token_ids
        self.special_tokens = list(special_token_ids)
        self._words = TextWords(self.special_tokens)
        self._lock = threading.Lock()
        self._forget_words()

    def __reduce__(self) -> tuple:
        return type(self), (self._table, self._special_token_ids)  # a worker learns its own words

    def encode(self, data: bytes) -> Int32[np.ndarray, " ids"]:
        """Return the ids of `data`, which is valid UTF-8 and small enough for some 50 times its memory."""
        with self._lock:
            try:
                return self._encode(data)
            except BaseException:
                self._forget_words()  # an interrupted step may have learned half of something
                raise

    def _encode(self, data: bytes) -> Int32[np.ndarray, " ids"]:
        rows = self._words.rows_of(data)
        self._learn(self._words.words[len(self._num_ids) :])
        num_ids = self._num_ids.values[rows]
        begins = np.cumsum(num_ids) - num_ids  # of each word's ids in the result
        # A word's ids are side by side in the store and in the result: one shift leads from here to there.
        shift = self._first_id.values[rows] - begins
        places = np.arange(num_ids.sum()) + np.repeat(shift, num_ids)
        ids = self._ids.values[places]
        if self._num_word_bytes > MAX_REMEMBERED_BYTES:
            self._forget_words()
        return ids

    def _forget_words(self) -> None:
        """Know nothing but the special tokens, which have an id of their own."""
        self._words.forget()
        num_special = len(self._special_token_ids)
        self._ids = GrowingArray(np.int32)
        self._first_id = GrowingArray(np.int64)
        self._num_ids = GrowingArray(np.int64)
        self._ids.append(np.fromiter(self._special_token_ids.values(), dtype=np.int32, count=num_special))
        self._first_id.append(np.arange(num_special))
        self._num_ids.append(np.ones(num_special))
        self._num_word_bytes = 0

    def _learn(self, words: list[bytes]) -> None:
        """Encode new words and store their ids."""
        lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
        first_id, num_ids = np.zeros_like(lengths), np.zeros_like(lengths)
        groups = np.searchsorted(SHORT_WORD_WIDTHS, lengths)
        lowest_id = 0
        for group in range(len(SHORT_WORD_WIDTHS) + 1):
            members = np.flatnonzero(groups == group)
            ids, num_ids[members] = self._merge([words[member] for member in members.tolist()], group)
            first_id[members] = len(self._ids) + np.cumsum(num_ids[members]) - num_ids[members]
            self._ids.append(ids)
            lowest_id = ids.min(initial=lowest_id)
        if lowest_id < 0:
            for word in words:
                self._table.encode(word)  # raises for the byte that has no entry
        self._first_id.append(first_id)
        self._num_ids.append(num_ids)
        self._num_word_bytes += int(lengths.sum())

    def _merge(self, words: list[bytes], group: int) -> tuple[Int[np.ndarray, " ids"], Ints]:
        """Return the ids of words of about the same length, one word after another, and how many each has."""
        if group == len(SHORT_WORD_WIDTHS):
            ids_of_words = [self._table.merge(word) for word in words]
            num_ids = np.fromiter(map(len, ids_of_words), dtype=np.int64, count=len(words))
            return np.fromiter(chain.from_iterable(ids_of_words), dtype=np.int32), num_ids
        symbols = merge_short_words(words, self._table.pair_ranks, max_bytes=SHORT_WORD_WIDTHS[group])
        is_symbol = symbols != NO_SYMBOL
        return symbols[is_symbol], is_symbol.sum(axis=1)
