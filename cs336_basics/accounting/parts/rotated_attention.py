"""The cost of `nn.rope`: attention whose queries and keys are rotated by their positions."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.around import AroundCost


@dataclass(frozen=True)
class RotatedAttentionCost(AroundCost):
    """The rows of the tables, taken once for the queries and once for the keys; no weights."""

    d_head: int

    def saved(self, batch: Batch) -> dict[str, int]:
        """Cosines and sines for half as many pairs as a head has features."""
        tables = 4 * FLOAT32_BYTES * batch.seq * self.d_head // 2
        return {**self.inside.saved(batch), "cosines and sines": tables}
