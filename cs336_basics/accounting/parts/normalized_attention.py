"""The cost of `nn.normalized_projection`: attention whose queries and keys are normalised head by head."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.around import AroundCost


@dataclass(frozen=True)
class NormalizedAttentionCost(AroundCost):
    """A norm after the queries and one after the keys, with gains that their heads share."""

    num_heads: int
    num_kv_heads: int
    d_head: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights with the gains, each after its projection."""
        weights: dict[str, tuple[int, ...]] = {}
        for name, shape in self.inside.weights().items():
            projection, _, weight = name.partition(".")
            if projection in ("q_proj", "k_proj"):
                weights |= {
                    f"{projection}.projection.{weight}": shape,
                    f"{projection}.norm.weight": (self.d_head,),
                }
            else:
                weights[name] = shape
        return weights

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the normalised queries and keys besides."""
        return {
            **self.inside.results(batch),
            "normalized queries": batch.tokens * self.num_heads * self.d_head,
            "normalized keys": batch.tokens * self.num_kv_heads * self.d_head,
        }

    def saved(self, batch: Batch) -> dict[str, int]:
        """Norms compute in float32: what comes in, its inverse root mean square, what goes to the gains."""
        rows = FLOAT32_BYTES * batch.tokens * (self.num_heads + self.num_kv_heads)
        return {
            **self.inside.saved(batch),
            "queries and keys to normalize": rows * self.d_head,
            "inverse root mean squares": rows,
            "normalized queries and keys": rows * self.d_head,
        }
