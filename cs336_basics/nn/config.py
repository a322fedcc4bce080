"""What can be chosen about a model. Plain data, without torch: the command line reads it too."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

InitRule = Literal[
    "trunc_normal",
    "trunc_normal_002",
    "normal",
    "uniform",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
    "constant",
    "zeros",
    "ones",
    "eye",
    "sparse",
]

AttentionForm = Literal["reference", "chunked", "sdpa"]
NormPlace = Literal["pre", "post", "none"]
PositionForm = Literal["rope", "none"]
RopeScaling = Literal["none", "llama3"]
FeedForwardForm = Literal["swiglu", "silu", "relu2"]


def swiglu_d_ff(d_model: int) -> int:
    """Return the multiple of 64 nearest to 8/3 d_model, at least 64 (512 gives 1344, 1600 gives 4288)."""
    nearest = (8 * d_model + 96) // 192 * 64
    return max(64, nearest)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a Transformer language model and the parts it is made of."""

    vocab_size: int
    """Entries of the vocabulary."""
    context_length: int
    """The longest sequence that the model accepts, in tokens."""
    d_model: int
    """Features of the residual stream."""
    num_layers: int
    """Blocks, one after another."""
    num_heads: int
    """Attention heads of each block; must divide d_model, unless d_head is given."""
    d_ff: int | None = None
    """Features inside the feed-forward network; None: for swiglu the multiple of 64 nearest to 8/3 d_model,
    for the others 4 d_model, which has as many weights."""
    num_kv_heads: int | None = None
    """Heads of keys and values, each shared by as many heads of queries; must divide num_heads; None: one
    for each head of queries."""
    d_head: int | None = None
    """Features of one attention head; None: d_model / num_heads."""
    rope_theta: float = 10000.0
    """The base of the rotary frequencies."""
    rope_scaling: RopeScaling = "none"
    """What is done to the rotary frequencies: none; llama3, turn the slow pairs still more slowly, for a
    context longer than the one that was trained on first (the next four say how)."""
    rope_factor: float = 8.0
    """For llama3: how many times more slowly the slow pairs turn."""
    rope_slow_turns: float = 1.0
    """For llama3: a pair with fewer whole turns than this in the original context is slow."""
    rope_fast_turns: float = 4.0
    """For llama3: a pair with more whole turns than this in the original context stays as it is."""
    rope_original_context: int = 8192
    """For llama3: the context length, in tokens, that was trained on first."""
    norm_eps: float = 1e-5
    """What the norms add to the mean square before they divide by its root."""
    attention: AttentionForm = "reference"
    """How attention is computed, with the same result: reference, as the equation, with every weight to look
    at; chunked, by online softmax in memory linear in the sequence; sdpa, by PyTorch's own kernel."""
    norm: NormPlace = "pre"
    """Where a block normalises: pre, what attention and feed-forward network read; post, the residual stream
    after each of them; none, nowhere, not even before the head."""
    position: PositionForm = "rope"
    """What tells attention about positions: rope, by rotation; none, nothing but the causal mask."""
    ffn: FeedForwardForm = "swiglu"
    """The feed-forward network: swiglu, with a gate; silu and relu2, two matrices and that activation."""
    qk_norm: bool = False
    """Normalise the queries and keys of each head."""
    tie_embeddings: bool = False
    """Let the head use the weight of the embedding, which then is drawn by the rule of the matrices."""
    logit_softcap: float | None = None
    """Bend logits smoothly to lie below this size; None: leave them as they are."""
    zero_init_outputs: bool = False
    """Begin with zeros in the last matrix of each attention and feed-forward network."""
    init: InitRule = "trunc_normal"
    """By which rule the weight matrices get their first values (see `cs336_basics.nn.init`)."""

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "d_model", "num_layers", "num_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1 but is {getattr(self, name)}")
        if self.d_ff is not None and self.d_ff < 1:
            raise ValueError(f"d_ff must be at least 1 but is {self.d_ff}; leave it out for the usual size")
        self._check_heads()
        self._check_rope()
        if not 0 < self.norm_eps < math.inf:
            raise ValueError(f"norm_eps must be positive and finite but is {self.norm_eps}; 1e-5 is usual")
        if self.logit_softcap is not None and not 0 < self.logit_softcap < math.inf:
            raise ValueError(
                f"logit_softcap must be positive and finite but is {self.logit_softcap}; "
                "leave it out for none"
            )
        check_choices(self, CHOICES)

    def _check_heads(self) -> None:
        if self.d_head is None and self.d_model % self.num_heads != 0:
            raise ValueError(
                f"d_model must be a multiple of num_heads but {self.d_model} is not a multiple of "
                f"{self.num_heads}; change one of the two"
            )
        if self.d_head is not None and self.d_head < 1:
            raise ValueError(
                f"d_head must be at least 1 but is {self.d_head}; leave it out for the usual size"
            )
        if self.num_kv_heads is not None and (self.num_kv_heads < 1 or self.num_heads % self.num_kv_heads):
            raise ValueError(
                f"num_kv_heads must divide num_heads but {self.num_kv_heads} does not divide "
                f"{self.num_heads}; change one of the two"
            )

    def _check_rope(self) -> None:
        if self.position == "rope" and self.head_size % 2 != 0:
            if self.d_head is not None:
                raise ValueError(f"RoPE rotates pairs, so d_head must be even, but it is {self.d_head}")
            raise ValueError(
                f"RoPE rotates pairs, so d_model / num_heads must be even, but {self.d_model} / "
                f"{self.num_heads} is {self.head_size}; change one of the two"
            )
        for name in ("rope_theta", "rope_factor", "rope_slow_turns", "rope_original_context"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite but is {getattr(self, name)}")
        if not self.rope_fast_turns > self.rope_slow_turns:
            raise ValueError(
                f"rope_fast_turns must exceed rope_slow_turns but {self.rope_fast_turns} does not exceed "
                f"{self.rope_slow_turns}; change one of the two"
            )

    @property
    def head_size(self) -> int:
        """Features of one attention head: `d_head`, or d_model / num_heads where none was given."""
        return self.d_model // self.num_heads if self.d_head is None else self.d_head

    @property
    def key_value_heads(self) -> int:
        """`num_kv_heads`, or num_heads where none were given."""
        return self.num_heads if self.num_kv_heads is None else self.num_kv_heads

    @property
    def beyond_the_weights(self) -> dict[str, Any]:
        """What changes the logits though names and shapes of the weights stay the same."""
        names = ["num_heads", "norm", "position", "ffn", "logit_softcap"]
        if self.norm != "none" or self.qk_norm:
            names += ["norm_eps"]
        if self.position == "rope":
            names += ["rope_theta", "rope_scaling"]
            if self.rope_scaling != "none":
                names += ["rope_factor", "rope_slow_turns", "rope_fast_turns", "rope_original_context"]
        return {name: getattr(self, name) for name in names}

    @property
    def has_plain_heads(self) -> bool:
        """Say whether each head has keys of its own, and all of them together d_model features."""
        return self.key_value_heads == self.num_heads and self.head_size * self.num_heads == self.d_model

    @property
    def feed_forward_size(self) -> int:
        """`d_ff`, or the size that follows from d_model where none was given."""
        if self.d_ff is not None:
            return self.d_ff
        return swiglu_d_ff(self.d_model) if self.ffn == "swiglu" else 4 * self.d_model


CHOICES = {
    "attention": get_args(AttentionForm),
    "norm": get_args(NormPlace),
    "position": get_args(PositionForm),
    "rope_scaling": get_args(RopeScaling),
    "ffn": get_args(FeedForwardForm),
    "init": get_args(InitRule),
}


def check_choices(config: object, choices: Mapping[str, tuple[str, ...]]) -> None:
    """Raise `ValueError` unless each of these fields of a configuration has one of its values."""
    for name, values in choices.items():
        if getattr(config, name) not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)} but is {getattr(config, name)!r}")
