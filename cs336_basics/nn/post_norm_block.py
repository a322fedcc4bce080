"""The post-norm Transformer block, as in the first Transformer (Vaswani et al. 2017, arXiv:1706.03762)."""

from jaxtyping import Float, Int
from torch import Tensor

from cs336_basics.nn.block import TransformerBlock
from cs336_basics.nn.decoding_step import DecodingStep
from cs336_basics.nn.kv_cache import LayerCache
from cs336_basics.nn.rope import RopeTables


class PostNormBlock(TransformerBlock):
    """Attention, then the feed-forward network, each added to the residual stream, which is then normalised::

    x <- ln1(x + attn(x))
    x <- ln2(x + ffn(x))
    """

    def forward(
        self,
        x: Float[Tensor, "... seq d_model"],
        rope_tables: RopeTables | None = None,
        token_positions: Int[Tensor, "... seq"] | None = None,
    ) -> Float[Tensor, "... seq d_model"]:
        """Normalise the sum of the residual stream and what is read from it."""
        x = self.ln1(x + self.attn(x, rope_tables, token_positions))
        x = self.ln2(x + self.ffn(x))
        return x

    def prefill(
        self,
        x: Float[Tensor, "batch seq d_model"],
        rope_tables: RopeTables | None,
        layer_cache: LayerCache,
    ) -> Float[Tensor, "batch seq d_model"]:
        """Do what `forward` does, and leave the keys and values in the cache."""
        x = self.ln1(x + self.attn.prefill(x, rope_tables, layer_cache))
        x = self.ln2(x + self.ffn(x))
        return x

    def decode(
        self, x: Float[Tensor, "batch 1 d_model"], step: DecodingStep, layer_cache: LayerCache
    ) -> Float[Tensor, "batch 1 d_model"]:
        """Do what `forward` does for one new position of each row, with the earlier ones from the cache."""
        x = self.ln1(x + self.attn.decode(x, step, layer_cache))
        x = self.ln2(x + self.ffn(x))
        return x
