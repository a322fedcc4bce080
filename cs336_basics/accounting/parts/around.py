"""The cost of a part that stands around another one, as some variants do."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.parts.part import MatrixProduct, Part, Working


@dataclass(frozen=True)
class AroundCost(Part):
    """Costs what the part inside does; each variant says what it adds."""

    inside: Part

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights of the part inside."""
        return self.inside.weights()

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the products of the part inside."""
        return self.inside.products(batch)

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the results of the part inside."""
        return self.inside.results(batch)

    def saved(self, batch: Batch) -> dict[str, int]:
        """Return what autograd keeps of the part inside."""
        return self.inside.saved(batch)

    def working(self, batch: Batch) -> Working:
        """Return the temporary tensors of the part inside."""
        return self.inside.working(batch)
