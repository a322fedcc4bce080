"""No positions: the model knows the order only from the causal mask (Haviv et al. 2022, arXiv:2203.16634)."""

from torch import nn


class NoPositions(nn.Module):
    """Give attention no tables, so that it rotates nothing."""

    def forward(self) -> None:
        """Return None in the place of the rotary tables."""
