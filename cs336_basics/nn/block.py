"""The pre-norm Transformer block (Xiong et al. 2020, arXiv:2002.04745)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cs336_basics.nn.attention import MultiHeadSelfAttention
from cs336_basics.nn.decoding_step import DecodingStep
from cs336_basics.nn.kv_cache import LayerCache
from cs336_basics.nn.rmsnorm import RMSNorm
from cs336_basics.nn.rope import RopeTables
from cs336_basics.nn.swiglu import SwiGLU


class TransformerBlock(nn.Module):
    """Attention, then the feed-forward network, each after a norm and added to the residual stream::

        x <- x + attn(ln1(x))
        x <- x + ffn(ln2(x))

    Shapes: x (... seq d_model), rope_tables (max_seq_len pairs) and (max_seq_len pairs),
    token_positions (... seq) -> (... seq d_model)
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.ln1 = RMSNorm(d_model, device=device, dtype=dtype)
        self.attn = MultiHeadSelfAttention(d_model, num_heads, device=device, dtype=dtype)
        self.ln2 = RMSNorm(d_model, device=device, dtype=dtype)
        self.ffn = SwiGLU(d_model, d_ff, device=device, dtype=dtype)

    @classmethod
    def from_parts(
        cls, *, ln1: nn.Module, attn: nn.Module, ln2: nn.Module, ffn: nn.Module
    ) -> "TransformerBlock":
        """Put ready parts together, for variants: any norm, attention and feed-forward network will do."""
        block = cls.__new__(cls)
        nn.Module.__init__(block)
        block.ln1, block.attn, block.ln2, block.ffn = ln1, attn, ln2, ffn
        return block

    def forward(
        self,
        x: Float[Tensor, "... seq d_model"],
        rope_tables: RopeTables | None = None,
        token_positions: Int[Tensor, "... seq"] | None = None,
    ) -> Float[Tensor, "... seq d_model"]:
        """Add to the residual stream what attention and the feed-forward network read from it.

        Without `rope_tables` nothing tells positions apart but the causal mask.
        """
        x = x + self.attn(self.ln1(x), rope_tables, token_positions)
        x = x + self.ffn(self.ln2(x))
        return x

    def prefill(
        self,
        x: Float[Tensor, "batch seq d_model"],
        rope_tables: RopeTables | None,
        layer_cache: LayerCache,
    ) -> Float[Tensor, "batch seq d_model"]:
        """Do what `forward` does, and leave the keys and values in the cache."""
        x = x + self.attn.prefill(self.ln1(x), rope_tables, layer_cache)
        x = x + self.ffn(self.ln2(x))
        return x

    def decode(
        self, x: Float[Tensor, "batch 1 d_model"], step: DecodingStep, layer_cache: LayerCache
    ) -> Float[Tensor, "batch 1 d_model"]:
        """Do what `forward` does for one new position of each row, with the earlier ones from the cache."""
        x = x + self.attn.decode(self.ln1(x), step, layer_cache)
        x = x + self.ffn(self.ln2(x))
        return x
