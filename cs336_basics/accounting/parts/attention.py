"""The cost of `nn.attention` and of its other forms, which differ only in what they keep."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.part import MatrixProduct, Part, Working, linear_product

# As in `functional.chunked_attention`, which would load torch; a test holds them equal.
QUERY_CHUNK, KEY_CHUNK = 64, 512


@dataclass(frozen=True)
class AttentionCost(Part):
    """Causal multi-head self-attention with rotary positions, in the plain form."""

    d_model: int
    num_heads: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the four matrices."""
        names = ("q_proj", "k_proj", "v_proj", "output_proj")
        return {f"{name}.weight": (self.d_model, self.d_model) for name in names}

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the four projections and the two products of each head, over all pairs of positions.

        So one counts them on paper and for utilisation; a form may leave out the keys behind a query.
        """
        d_model, d_head, seq = self.d_model, self.d_model // self.num_heads, batch.seq
        heads = batch.batch_size * self.num_heads
        return (
            linear_product("attention: queries", batch, d_model, d_model),
            linear_product("attention: keys", batch, d_model, d_model),
            linear_product("attention: values", batch, d_model, d_model),
            MatrixProduct(name="attention: scores", m=seq, k=d_head, n=seq, count=heads),
            MatrixProduct(name="attention: weighted sum", m=seq, k=seq, n=d_head, count=heads),
            linear_product("attention: output", batch, d_model, d_model),
        )

    def results(self, batch: Batch) -> dict[str, int]:
        """Return queries, keys, values, scores, weights, their sums, and the output."""
        features, pairs = batch.tokens * self.d_model, batch.tokens * self.num_heads * batch.seq
        return {
            "queries": features,
            "keys": features,
            "values": features,
            "scores": pairs,
            "weights": pairs,
            "weighted sum": features,
            "output": features,
        }

    def saved(self, batch: Batch) -> dict[str, int]:
        """What all forms keep, and what this one keeps between the projections."""
        features, d_head = batch.tokens * self.d_model, self.d_model // self.num_heads
        return {
            "input": batch.product_input_bytes(features, num_products=3),
            "cosines and sines": 4 * FLOAT32_BYTES * batch.seq * d_head // 2,
            **self.saved_between(batch),
            "concatenated heads": batch.product_bytes * features,
            "copies of the weights": batch.copy_bytes(4 * self.d_model**2),
        }

    def saved_between(self, batch: Batch) -> dict[str, int]:
        """Exponentials are float32, and the weights enter the last product in its type."""
        features, rows = batch.tokens * self.d_model, batch.tokens * self.num_heads
        return {
            "queries, keys, values": 3 * batch.product_bytes * features,
            "mask": batch.seq * batch.seq + batch.seq,
            "exponentials": FLOAT32_BYTES * rows * batch.seq,
            "normalizers": FLOAT32_BYTES * rows,
            "weights": batch.product_bytes * rows * batch.seq,
        }

    def working(self, batch: Batch) -> Working:
        """Forward: scores, scaled, masked, shifted; backward: the gradient through a quotient."""
        pairs = batch.tokens * self.num_heads * batch.seq
        freed = batch.product_bytes  # the weights
        return Working(forward=3 * FLOAT32_BYTES * pairs, backward=(5 * FLOAT32_BYTES - freed) * pairs)


class ChunkedAttentionCost(AttentionCost):
    """Keeps what the backward pass needs to make the weights again."""

    def saved_between(self, batch: Batch) -> dict[str, int]:
        """No tensor is quadratic in the sequence."""
        features, rows = batch.tokens * self.d_model, batch.tokens * self.num_heads
        return {
            "queries, keys, values": 3 * batch.product_bytes * features,
            "attended": batch.product_bytes * features,
            "logarithms of the normalizers": FLOAT32_BYTES * rows,
        }

    def working(self, batch: Batch) -> Working:
        """Scores of a chunk, two or three times, and backward the gradients of queries, keys and values."""
        features = FLOAT32_BYTES * batch.tokens * self.d_model
        heads = batch.batch_size * self.num_heads
        chunk = FLOAT32_BYTES * heads * min(QUERY_CHUNK, batch.seq) * min(KEY_CHUNK, batch.seq)
        return Working(forward=2 * chunk, backward=3 * features + 3 * chunk)


class SdpaAttentionCost(AttentionCost):
    """PyTorch's kernel keeps the same as the chunked form."""

    def saved_between(self, batch: Batch) -> dict[str, int]:
        """No tensor is quadratic in the sequence."""
        features, rows = batch.tokens * self.d_model, batch.tokens * self.num_heads
        return {
            "queries, keys, values": 3 * batch.product_bytes * features,
            "attended": batch.product_bytes * features,
            "logarithms of the normalizers": FLOAT32_BYTES * rows,
        }

    def working(self, batch: Batch) -> Working:
        """Backward: the gradients of queries, keys and values, and of what they came from."""
        features = FLOAT32_BYTES * batch.tokens * self.d_model
        return Working(forward=features, backward=4 * features)
