"""The cost of `nn.softcapped_head`, which the plain loss applies at once and the chunked loss by chunks."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.around import AroundCost


@dataclass(frozen=True)
class SoftcappedHeadCost(AroundCost):
    """The head inside, whose logits the chunked loss bends."""

    vocab_size: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights of the head inside, by longer names."""
        return {f"head.{name}": shape for name, shape in self.inside.weights().items()}

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the bent logits besides."""
        return {**self.inside.results(batch), "capped logits": batch.tokens * self.vocab_size}


class SoftcappedPlainHeadCost(SoftcappedHeadCost):
    """The logits of all tokens bent at once."""

    def saved(self, batch: Batch) -> dict[str, int]:
        """The hyperbolic tangent, from which its derivative comes."""
        tangents = FLOAT32_BYTES * batch.tokens * self.vocab_size
        return {**self.inside.saved(batch), "hyperbolic tangents": tangents}
