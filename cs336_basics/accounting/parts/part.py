"""What can be asked about a part of a model."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import Batch


@dataclass(frozen=True, kw_only=True)
class MatrixProduct:
    """`count` products of an (m, k) by a (k, n) matrix."""

    name: str
    m: int
    k: int
    n: int
    count: int = 1

    @property
    def flops(self) -> int:
        """Floating point operations: k multiplications and k additions for each entry of each result."""
        return 2 * self.m * self.k * self.n * self.count


@dataclass(frozen=True, kw_only=True)
class Working:
    """The most bytes that exist besides what is saved, while a part works."""

    forward: int
    backward: int
    """Gradients of the part's own weights are not among them."""
    left: int = 0
    """Bytes that then stay until the end of the backward pass."""


class Part:
    """A part that costs nothing; each other one says what is different about it."""

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight, by the name that it has in the module."""
        return {}

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the matrix products of a forward pass, as the equations have them."""
        return ()

    def results(self, batch: Batch) -> dict[str, int]:
        """Return how many numbers each operation returns, as one counts activations on paper."""
        return {}

    def saved(self, batch: Batch) -> dict[str, int]:
        """Return the bytes of each tensor that autograd keeps from the forward pass for the backward pass."""
        return {}

    def working(self, batch: Batch) -> Working:
        """Return the largest temporary tensors, taken together where they exist together."""
        return Working(forward=0, backward=0)


def linear_product(name: str, batch: Batch, d_in: int, d_out: int) -> MatrixProduct:
    """Return the product of a linear layer: all tokens by the weight."""
    return MatrixProduct(name=name, m=batch.tokens, k=d_in, n=d_out)
