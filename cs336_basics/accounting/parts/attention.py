"""The cost of `nn.attention` and of its other forms, which differ only in what they keep."""

import math
from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.part import MatrixProduct, Part, Working, linear_product

# As in `functional.chunked_attention`, which would load torch; a test holds them equal.
QUERY_CHUNK, KEY_CHUNK = 64, 512


@dataclass(frozen=True)
class AttentionCost(Part):
    """Causal multi-head self-attention in the plain form; heads may share keys."""

    d_model: int
    num_heads: int
    num_kv_heads: int
    d_head: int

    @property
    def query_features(self) -> int:
        """Features of all queries at one position."""
        return self.num_heads * self.d_head

    @property
    def key_features(self) -> int:
        """Features of all keys, or values, at one position, before they are repeated for each head."""
        return self.num_kv_heads * self.d_head

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the four matrices."""
        return {
            "q_proj.weight": (self.query_features, self.d_model),
            "k_proj.weight": (self.key_features, self.d_model),
            "v_proj.weight": (self.key_features, self.d_model),
            "output_proj.weight": (self.d_model, self.query_features),
        }

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the four projections and the two products of each head, over all pairs of positions.

        So one counts them on paper and for utilisation; a form may leave out the keys after a query.
        """
        d_model, d_head, seq = self.d_model, self.d_head, batch.seq
        heads = batch.batch_size * self.num_heads
        return (
            linear_product("attention: queries", batch, d_model, self.query_features),
            linear_product("attention: keys", batch, d_model, self.key_features),
            linear_product("attention: values", batch, d_model, self.key_features),
            MatrixProduct(name="attention: scores", m=seq, k=d_head, n=seq, count=heads),
            MatrixProduct(name="attention: weighted sum", m=seq, k=seq, n=d_head, count=heads),
            linear_product("attention: output", batch, self.query_features, d_model),
        )

    def results(self, batch: Batch) -> dict[str, int]:
        """Return queries, keys, values, scores, weights, their sums, and the output."""
        queries, keys = batch.tokens * self.query_features, batch.tokens * self.key_features
        pairs = batch.tokens * self.num_heads * batch.seq
        return {
            "queries": queries,
            "keys": keys,
            "values": keys,
            "scores": pairs,
            "weights": pairs,
            "weighted sum": queries,
            "output": batch.tokens * self.d_model,
        }

    def saved(self, batch: Batch) -> dict[str, int]:
        """What all forms keep, and what this one keeps between the projections."""
        num_weights = sum(math.prod(shape) for shape in self.weights().values())
        return {
            "input": batch.product_input_bytes(batch.tokens * self.d_model, num_products=3),
            **self.saved_between(batch),
            "concatenated heads": batch.product_bytes * batch.tokens * self.query_features,
            "copies of the weights": batch.copy_bytes(num_weights),
        }

    def saved_between(self, batch: Batch) -> dict[str, int]:
        """Exponentials are float32, and the weights enter the last product in its type."""
        features, rows = batch.tokens * self.query_features, batch.tokens * self.num_heads
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
        features, rows = batch.tokens * self.query_features, batch.tokens * self.num_heads
        return {
            "queries, keys, values": 3 * batch.product_bytes * features,
            "attended": batch.product_bytes * features,
            "logarithms of the normalizers": FLOAT32_BYTES * rows,
        }

    def working(self, batch: Batch) -> Working:
        """Scores of a chunk, backward with their gradient, and those of queries, keys and values."""
        features, heads = batch.tokens * self.query_features, batch.batch_size * self.num_heads
        num_keys = heads * min(KEY_CHUNK, batch.seq)
        pairs = min(QUERY_CHUNK, batch.seq) * num_keys
        product = batch.product_bytes * num_keys * self.d_head
        gradients = FLOAT32_BYTES * (3 * features + 2 * pairs) + batch.copy_bytes(features + pairs)
        return Working(forward=2 * FLOAT32_BYTES * pairs, backward=gradients + product)


class SdpaAttentionCost(AttentionCost):
    """PyTorch's kernel keeps what the chunked form does, but for its result.

    That has the layout of the projections, and so is the concatenated heads already.
    """

    def saved_between(self, batch: Batch) -> dict[str, int]:
        """No tensor is quadratic in the sequence."""
        rows = batch.tokens * self.num_heads
        # Keys of a single head are repeated for all queries without a copy, and so are values.
        repeated = self.key_features if self.num_kv_heads == 1 else self.query_features
        features = batch.tokens * (self.query_features + 2 * repeated)
        return {
            "queries, keys, values": batch.product_bytes * features,
            "logarithms of the normalizers": FLOAT32_BYTES * rows,
        }

    def working(self, batch: Batch) -> Working:
        """Backward: the gradients of queries, keys and values, and of what they came from."""
        features = FLOAT32_BYTES * batch.tokens * self.query_features
        return Working(forward=features, backward=4 * features)
