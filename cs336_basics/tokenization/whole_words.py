"""Encode a pre-token that is an entry as this entry, whatever its bytes merge to: `ignore_merges` of Llama 3.

Its vocabulary was made for a library that looks whole words up before it merges (tiktoken), so that some
entries are what no merge makes of their bytes.
"""

from cs336_basics.tokenization.merge_table import MergeTable


class WholeWordTable(MergeTable):
    """Look a pre-token up, and merge its bytes only if it is no entry."""

    def encode(self, data: bytes) -> tuple[int, ...]:
        """Return the ids of one pre-token; raises `ValueError` for a byte that no entry covers."""
        entry = self.entry_of(data)
        return super().encode(data) if entry is None else (entry,)
