"""Text to ids in the three steps that define it: special tokens, pre-tokens, merges."""

from collections.abc import Mapping
from itertools import chain

import numpy as np
from jaxtyping import Int32

from cs336_basics.tokenization.lone_surrogates import surrogate_error
from cs336_basics.tokenization.merge_table import MergeTable, PretokenCache
from cs336_basics.tokenization.pretokenizer import Pretokenizer
from cs336_basics.tokenization.special_tokens import compile_special_pattern, split_on_special_tokens

CACHE_BYTES = 64 << 20  # all words of an ordinary corpus that occur more than a few times


class PlainEncoder:
    """Encode texts with any pre-tokenizer and any table; words seen before are remembered."""

    def __init__(
        self, pretokenizer: Pretokenizer, table: MergeTable, special_token_ids: Mapping[str, int]
    ) -> None:
        self._pretokenizer = pretokenizer
        self._table = table
        self._special_token_ids = special_token_ids
        self._cache = PretokenCache(table, max_bytes=CACHE_BYTES)
        self._special_pattern = compile_special_pattern(list(special_token_ids))
        self.special_tokens = list(special_token_ids)
        self.cuts = pretokenizer.cuts

    def __reduce__(self) -> tuple:
        return type(self), (self._pretokenizer, self._table, self._special_token_ids)

    def encode_text(self, text: str) -> list[int]:
        """Return the ids of `text`."""
        ids: list[int] = []
        ids_of_pretoken = self._cache.__getitem__
        try:
            for ordinary_text, special_token in split_on_special_tokens(text, self._special_pattern):
                for pretokens in self._pretokenizer.batches(ordinary_text):
                    ids.extend(chain.from_iterable(map(ids_of_pretoken, pretokens)))
                if special_token is not None:
                    ids.append(self._special_token_ids[special_token])
        except UnicodeEncodeError:
            raise surrogate_error(text, offset=0) from None
        return ids

    def encode(self, data: bytes) -> Int32[np.ndarray, " ids"]:
        """Return the ids of `data`, which is valid UTF-8: what `BulkEncoder` does, without its speed."""
        return np.array(self.encode_text(data.decode()), dtype=np.int32)
