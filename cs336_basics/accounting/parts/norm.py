"""The cost of `nn.rmsnorm`, and of having no norm."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.part import Part, Working


@dataclass(frozen=True)
class RMSNormCost(Part):
    """A gain for each feature. What it returns is kept by the products that take it, not here."""

    d_model: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the gain."""
        return {"weight": (self.d_model,)}

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the normalised features."""
        return {"normalized": batch.tokens * self.d_model}

    def saved(self, batch: Batch) -> dict[str, int]:
        """`x` serves the square and the first product, `normalized` the gradient of the gain."""
        features = FLOAT32_BYTES * batch.tokens * self.d_model
        return {
            "x": features,
            "inverse root mean square": FLOAT32_BYTES * batch.tokens,
            "normalized": features,
        }

    def working(self, batch: Batch) -> Working:
        """Forward the squares and the result; backward the gradients by three ways on which `x` counts."""
        features = FLOAT32_BYTES * batch.tokens * self.d_model
        return Working(forward=2 * features, backward=3 * features)


class NoNormCost(Part):
    """What comes in goes out. The products that take it keep it, as they do what a norm returns."""
