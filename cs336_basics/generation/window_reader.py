"""What a model says after each of several windows, from a key-value cache that is kept between the steps.

Two kinds of work: prefill reads a window that is new, all of its tokens at once; decode reads the one token
by which a window has grown. Which tokens a window consists of is not decided here.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.generation.plain_decoding import pad_right
from cs336_basics.nn.kv_cache import KeyValueCache
from cs336_basics.nn.transformer_lm import TransformerLM


class WindowReader:
    """Reads windows, each under the number of its row, and computes nothing that it knows already.

    A window is expected to be the one of the step before with a token after it, or to have another length:
    that is how one which was cut (`overflow.py`) is told from one which has grown.
    """

    def __init__(self, model: TransformerLM) -> None:
        self.model = model
        self.device: torch.device = next(model.parameters()).device
        self.rows: list[int] = []  # whose keys and values the cache holds, in its order
        self.cache = KeyValueCache(len(model.layers))

    def next_token_logits(self, windows: Mapping[int, list[int]]) -> Float[Tensor, "batch vocab"]:
        """Return the logits after the last token of each window, in the order of the mapping.

        Rows that are missing have nothing more to come: what was known of them is dropped.
        """
        self._keep_grown_rows(windows)
        known = set(self.rows)
        new_rows = [row for row in windows if row not in known]
        logits = [self._decode(windows)] if known else []
        if new_rows:
            logits.append(self._prefill({row: windows[row] for row in new_rows}))
        return self._in_order(list(windows), torch.cat(logits) if len(logits) > 1 else logits[0])

    def _keep_grown_rows(self, windows: Mapping[int, list[int]]) -> None:
        """Drop from the cache all rows but those that have grown by one token."""
        places = [
            place
            for place, (row, length) in enumerate(zip(self.rows, self.cache.lengths, strict=True))
            if row in windows and len(windows[row]) == length + 1
        ]
        self.rows = [self.rows[place] for place in places]
        self.cache.select_rows(places)

    def _decode(self, windows: Mapping[int, list[int]]) -> Float[Tensor, "rows vocab"]:
        """Read the last token of the windows whose other tokens the cache holds."""
        newest = torch.tensor([windows[row][-1] for row in self.rows], device=self.device)
        return self.model.decode(newest, self.cache)

    def _prefill(self, windows: Mapping[int, list[int]]) -> Float[Tensor, "rows vocab"]:
        """Read whole windows, and put what is known of them after what the cache holds."""
        ids = pad_right(list(windows.values())).to(self.device)
        lengths = [len(window) for window in windows.values()]
        cache = KeyValueCache(len(self.cache.layers))
        logits = self.model.prefill(ids, lengths, cache)
        self.cache.add_rows(cache)
        self.rows += windows
        return logits

    def _in_order(
        self, rows: list[int], logits: Float[Tensor, "batch vocab"]
    ) -> Float[Tensor, "batch vocab"]:
        """Bring the cache, and logits in its order, into the order of `rows`."""
        if self.rows == rows:
            return logits
        place_of = {row: place for place, row in enumerate(self.rows)}
        order = [place_of[row] for row in rows]
        self.cache.select_rows(order)
        self.rows = rows
        return logits[order]
