"""Rotary tables whose slow pairs turn still more slowly: the positions of Llama 3.1 and later."""

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.rope_scaling import llama3_frequencies
from cs336_basics.nn.rope import RotaryPositions


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

    def frequencies(self, device: torch.device | str | None) -> Float[Tensor, "pairs"]:
        """Return the scaled frequencies."""
        return llama3_frequencies(super().frequencies(device), **self.scaling)

    def extra_repr(self) -> str:
        """Show the sizes when the module is printed."""
        scaling = ", ".join(f"{name}={value}" for name, value in self.scaling.items())
        return f"{super().extra_repr()}, {scaling}"
