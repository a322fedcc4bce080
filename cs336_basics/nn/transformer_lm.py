"""The language model: embedding, blocks, a last norm, and a score for each entry of the vocabulary."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from cs336_basics.nn.block import TransformerBlock
from cs336_basics.nn.build import build_parts
from cs336_basics.nn.config import AttentionForm, ModelConfig
from cs336_basics.nn.decoding_step import decoding_step
from cs336_basics.nn.embedding import Embedding
from cs336_basics.nn.kv_cache import KeyValueCache
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.parameter_table import parameter_table
from cs336_basics.nn.pretrained.config_reading import read_model_config
from cs336_basics.nn.pretrained.loading import fill, weights_for
from cs336_basics.nn.rmsnorm import RMSNorm
from cs336_basics.nn.rope import RotaryPositions


class TransformerLM(nn.Module):
    """A decoder-only Transformer with pre-norm blocks, RoPE and SwiGLU: the architecture of Llama.

    `logits = lm_head(ln_final(x))`, where `x` begins as `token_embeddings(ids)` and goes through `num_layers`
    blocks. This constructor is the plain model; `from_config` builds any model that `ModelConfig` describes.

    Shapes: ids (... seq), token_positions (... seq) -> (... seq vocab)
    """

    def __init__(
        self,
        vocab_size: int,
        context_length: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int,
        rope_theta: float = 10000.0,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.config = ModelConfig(
            vocab_size=vocab_size,
            context_length=context_length,
            d_model=d_model,
            num_layers=num_layers,
            num_heads=num_heads,
            d_ff=d_ff,
            rope_theta=rope_theta,
        )
        self.positions = RotaryPositions(d_model // num_heads, context_length, rope_theta, device=device)
        self.token_embeddings = Embedding(vocab_size, d_model, device=device, dtype=dtype)
        self.layers = nn.ModuleList(
            TransformerBlock(d_model, num_heads, d_ff, device=device, dtype=dtype) for _ in range(num_layers)
        )
        self.ln_final = RMSNorm(d_model, device=device, dtype=dtype)
        self.lm_head = Linear(d_model, vocab_size, device=device, dtype=dtype)

    @classmethod
    def from_config(
        cls,
        config: ModelConfig,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> "TransformerLM":
        """Build what `config` describes; with its defaults that is the plain model, weight for weight."""
        model = cls.__new__(cls)
        nn.Module.__init__(model)
        model.config = config
        for name, part in build_parts(config, device=device, dtype=dtype).items():
            model.add_module(name, part)
        return model

    @classmethod
    def from_pretrained(
        cls,
        folder: str | os.PathLike[str],
        *,
        attention: AttentionForm = "reference",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> "TransformerLM":
        """Load a model of the Llama family from a folder as Hugging Face stores it; nothing is downloaded.

        The weights are converted to `dtype`, float32 where none is given. Raises `FileNotFoundError` where
        there is no model, and a `ValueError` that names what our parts do not compute, or the weight that is
        missing, unexpected or of another shape.
        """
        config = read_model_config(Path(folder), attention=attention)
        stored = weights_for(config, Path(folder))
        dtype = torch.float32 if dtype is None else dtype
        model = cls.from_config(config, device="meta", dtype=dtype)  # no first weights are drawn
        fill(model, config, stored, device=torch.get_default_device() if device is None else device)
        return model

    def forward(
        self, ids: Int[Tensor, "... seq"], token_positions: Int[Tensor, "... seq"] | None = None
    ) -> Float[Tensor, "... seq vocab"]:
        """Return the logits of the next token at each position of `ids`.

        `token_positions` are 0, 1, ..., seq - 1 where not given. A sequence longer than the context length
        is a `ValueError`.
        """
        hidden = self.hidden_states(ids, token_positions)
        logits = self.lm_head(hidden)
        return logits

    def hidden_states(
        self, ids: Int[Tensor, "... seq"], token_positions: Int[Tensor, "... seq"] | None = None
    ) -> Float[Tensor, "... seq d_model"]:
        """Return what the head reads the logits from: the normalised end of the residual stream."""
        self._check_length(ids.shape[-1])
        rope_tables = self.positions()
        x = self.token_embeddings(ids)
        for layer in self.layers:
            x = layer(x, rope_tables, token_positions)
        normalized = self.ln_final(x)
        return normalized

    def prefill(
        self, ids: Int[Tensor, "batch seq"], lengths: Sequence[int], cache: KeyValueCache
    ) -> Float[Tensor, "batch vocab"]:
        """Read texts into the cache and return the logits after the last token of each.

        Text r is the first `lengths[r]` ids of row r; what follows them is padding, which changes nothing.
        What the cache held before is gone.
        """
        self._check_length(ids.shape[-1])
        cache.check_for(num_layers=len(self.layers))
        check_lengths(lengths, ids)
        rope_tables = self.positions()
        x = self.token_embeddings(ids)
        for layer, layer_cache in zip(self.layers, cache.layers, strict=True):
            x = layer.prefill(x, rope_tables, layer_cache)  # pyright: ignore[reportCallIssue]
        cache.lengths = list(lengths)
        last = torch.tensor(lengths, device=x.device) - 1
        last_x = x[torch.arange(len(lengths), device=x.device), last]
        normalized = self.ln_final(last_x)
        logits = self.lm_head(normalized)
        return logits

    def decode(self, ids: Int[Tensor, "batch"], cache: KeyValueCache) -> Float[Tensor, "batch vocab"]:
        """Add one token to each text in the cache and return the logits after it."""
        cache.check_for(num_layers=len(self.layers), num_rows=len(ids))
        self._check_length(max(cache.lengths) + 1)
        step = decoding_step(cache.lengths, self.positions(), device=ids.device)
        x = self.token_embeddings(rearrange(ids, "batch -> batch 1"))
        for layer, layer_cache in zip(self.layers, cache.layers, strict=True):
            x = layer.decode(x, step, layer_cache)  # pyright: ignore[reportCallIssue]
        cache.lengths = [length + 1 for length in cache.lengths]
        normalized = self.ln_final(rearrange(x, "batch 1 d_model -> batch d_model"))
        logits = self.lm_head(normalized)
        return logits

    def __repr__(self) -> str:
        """Return the modules, as all of torch's do, and how many parameters each part has."""
        return f"{super().__repr__()}\n{parameter_table(self)}"

    def _check_length(self, seq: int) -> None:
        if seq == 0:
            raise ValueError("a sequence must hold at least one token but is empty; begin with <|endoftext|>")
        if seq > self.config.context_length:
            raise ValueError(
                f"a sequence may have at most context_length = {self.config.context_length} tokens but has "
                f"{seq}; cut it, or build the model with a longer context"
            )


def check_lengths(lengths: Sequence[int], ids: Int[Tensor, "batch seq"]) -> None:
    """Raise `ValueError` unless there is, for each row, a length that is not 0 and no more than it has."""
    rows, seq = ids.shape
    if rows == 0 or len(lengths) != rows or not all(1 <= length <= seq for length in lengths):
        raise ValueError(f"lengths must be one of 1..{seq} for each of {rows} rows but are {list(lengths)}")
