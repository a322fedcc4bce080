"""The cost of `nn.feed_forward`, the network of two matrices, with each of its activations."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.part import MatrixProduct, Part, Working, linear_product


@dataclass(frozen=True)
class SiluFeedForwardCost(Part):
    """Two matrices with SiLU between them."""

    d_model: int
    d_ff: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the two matrices."""
        return {"w1.weight": (self.d_ff, self.d_model), "w2.weight": (self.d_model, self.d_ff)}

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the two products."""
        return (
            linear_product("feed-forward: input (w1)", batch, self.d_model, self.d_ff),
            linear_product("feed-forward: output (w2)", batch, self.d_ff, self.d_model),
        )

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the results of w1, the activation and w2."""
        inner, outer = batch.tokens * self.d_ff, batch.tokens * self.d_model
        return {"w1": inner, "activation": inner, "w2": outer}

    def saved(self, batch: Batch) -> dict[str, int]:
        """What both products keep, and what the activation keeps, which computes in float32."""
        return {
            "input": batch.product_input_bytes(batch.tokens * self.d_model),
            **self.saved_by_activation(batch),
            "activated": batch.product_bytes * batch.tokens * self.d_ff,
            "copies of the weights": batch.copy_bytes(2 * self.d_model * self.d_ff),
        }

    def saved_by_activation(self, batch: Batch) -> dict[str, int]:
        """Both factors of `x * sigmoid(x)`."""
        inner = FLOAT32_BYTES * batch.tokens * self.d_ff
        return {"w1": inner, "sigmoid": inner}

    def working(self, batch: Batch) -> Working:
        """Forward what comes and goes; backward the gradients by both ways on which `w1` counts."""
        inner = FLOAT32_BYTES * batch.tokens * self.d_ff
        return Working(forward=self.working_forward(batch), backward=2 * inner)

    def working_forward(self, batch: Batch) -> int:
        """The result twice, or under autocast what w1 returned and the activation in float32."""
        inner, outer = batch.tokens * self.d_ff, batch.tokens * self.d_model
        return max(2 * FLOAT32_BYTES * outer, 3 * batch.copy_bytes(inner))


class ReluSquaredFeedForwardCost(SiluFeedForwardCost):
    """Two matrices with the squared ReLU between them."""

    def saved_by_activation(self, batch: Batch) -> dict[str, int]:
        """What is cut at 0, and the same cut, which is squared."""
        inner = FLOAT32_BYTES * batch.tokens * self.d_ff
        return {"w1": inner, "cut at 0": inner}

    def working(self, batch: Batch) -> Working:
        """Backward: the gradient of the square, twice what was squared, and their product."""
        inner = FLOAT32_BYTES * batch.tokens * self.d_ff
        return Working(forward=self.working_forward(batch), backward=3 * inner)
