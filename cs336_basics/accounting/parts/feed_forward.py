"""The cost of `nn.swiglu`."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.part import MatrixProduct, Part, Working, linear_product


@dataclass(frozen=True)
class SwiGLUCost(Part):
    """Three matrices and five tensors of the size of `d_ff`."""

    d_model: int
    d_ff: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the three matrices."""
        return {
            "w1.weight": (self.d_ff, self.d_model),
            "w2.weight": (self.d_model, self.d_ff),
            "w3.weight": (self.d_ff, self.d_model),
        }

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the three products."""
        return (
            linear_product("feed-forward: gate (w1)", batch, self.d_model, self.d_ff),
            linear_product("feed-forward: value (w3)", batch, self.d_model, self.d_ff),
            linear_product("feed-forward: output (w2)", batch, self.d_ff, self.d_model),
        )

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the results of w1, w3, SiLU, the gating and w2."""
        inner, outer = batch.tokens * self.d_ff, batch.tokens * self.d_model
        return {"w1": inner, "w3": inner, "silu": inner, "gated": inner, "w2": outer}

    def saved(self, batch: Batch) -> dict[str, int]:
        """SiLU computes in float32, the gating in the type of the products."""
        inner = batch.tokens * self.d_ff
        return {
            "input": batch.product_input_bytes(batch.tokens * self.d_model, num_products=2),
            "w1": FLOAT32_BYTES * inner,
            "sigmoid": FLOAT32_BYTES * inner,
            "gate": batch.product_bytes * inner,
            "value": batch.product_bytes * inner,
            "gated": batch.product_bytes * inner,
            "copies of the weights": batch.copy_bytes(3 * self.d_model * self.d_ff),
        }

    def working(self, batch: Batch) -> Working:
        """Backward: the gradients of gate and value, when that of their product has taken its place."""
        inner, outer = batch.tokens * self.d_ff, batch.tokens * self.d_model
        return Working(forward=2 * FLOAT32_BYTES * outer, backward=2 * FLOAT32_BYTES * inner)
