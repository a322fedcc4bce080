"""Rotary tables whose slow pairs turn still more slowly: the positions of Llama 3.1 and later."""

import torch

from cs336_basics.functional.rope import rope_frequencies, tables_of
from cs336_basics.functional.rope_scaling import llama3_frequencies
from cs336_basics.nn.rope import RopeTables, RotaryPositions


class ScaledRotaryPositions(RotaryPositions):
    """The same as `RotaryPositions`, with the frequencies of `functional.rope_scaling.llama3_frequencies`."""

    def __init__(
        self,
        d_head: int,
        max_seq_len: int,
        theta: float = 10000.0,
        *,
        factor: float,
        slow_turns: float,
        fast_turns: float,
        original_context: int,
        device: torch.device | str | None = None,
    ) -> None:
        self.scaling = {
            "factor": factor,
            "slow_turns": slow_turns,
            "fast_turns": fast_turns,
            "original_context": original_context,
        }
        super().__init__(d_head, max_seq_len, theta, device=device)

    def make_tables(self, device: torch.device | str | None) -> RopeTables:
        """Return the tables of the scaled frequencies."""
        frequencies = rope_frequencies(self.d_head, self.theta, device=device)
        scaled = llama3_frequencies(frequencies, **self.scaling)
        return tables_of(scaled, self.max_seq_len)

    def extra_repr(self) -> str:
        """Show the sizes when the module is printed."""
        scaling = ", ".join(f"{name}={value}" for name, value in self.scaling.items())
        return f"{super().extra_repr()}, {scaling}"
