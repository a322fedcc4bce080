"""The words of one text after another as rows: pre-tokens and special tokens found, and numbered.

Special tokens are words like others, in the first rows. No pre-token has their bytes, since in the text
between them they do not occur.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from cs336_basics.tokenization.bulk.boundaries import pretoken_starts
from cs336_basics.tokenization.bulk.freed_memory import FreedMemory
from cs336_basics.tokenization.bulk.word_rows import WordRows
from cs336_basics.tokenization.special_tokens import compile_special_bytes_pattern


class TextWords:
    """Turn texts into rows; what one text taught about words serves the next."""

    def __init__(self, special_tokens: Sequence[str]) -> None:
        self._special_tokens = [token.encode() for token in special_tokens]
        self._special_pattern = compile_special_bytes_pattern(special_tokens)
        self._freed_memory = FreedMemory()
        self.forget()

    @property
    def words(self) -> list[bytes]:
        """The word of each row."""
        return self._rows.words

    def forget(self) -> None:
        """Know nothing but the special tokens."""
        self._rows = WordRows()
        for token in self._special_tokens:
            self._rows[token]  # takes the next row

    def rows_of(self, data: bytes) -> Int[np.ndarray, " words"]:
        """Return the row of each word of `data`, which is valid UTF-8, in order."""
        self._freed_memory.text_passed(len(data))
        starts = pretoken_starts(data, self._special_pattern)
        return self._rows.rows_of(data, starts, np.diff(starts, append=len(data)))
