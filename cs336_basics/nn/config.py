"""What can be chosen about a model. Plain data, without torch: the command line reads it too."""

from dataclasses import dataclass
from typing import Literal, get_args

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
    """Attention heads of each block; must divide d_model."""
    d_ff: int | None = None
    """Features inside the feed-forward network; None: for swiglu the multiple of 64 nearest to 8/3 d_model,
    for the others 4 d_model, which has as many weights."""
    rope_theta: float = 10000.0
    """The base of the rotary frequencies."""
    attention: AttentionForm = "reference"
    """How attention is computed, with the same result: reference, as the equation, with every weight to look
    at; chunked, by online softmax in memory linear in the sequence; sdpa, by PyTorch's own kernel."""
    norm: NormPlace = "pre"
    """Where a block normalises: pre, what attention and feed-forward network read; post, the residual stream
    behind each of them; none, nowhere, not even before the head."""
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
        if self.d_model % self.num_heads != 0:
            raise ValueError(
                f"d_model must be a multiple of num_heads but {self.d_model} is none of {self.num_heads}; "
                "change one of the two"
            )
        if self.position == "rope" and self.d_head % 2 != 0:
            raise ValueError(
                f"RoPE rotates pairs, so d_model / num_heads must be even, but {self.d_model} / "
                f"{self.num_heads} is {self.d_head}; change one of the two"
            )
        if self.rope_theta <= 0:
            raise ValueError(f"rope_theta must be positive but is {self.rope_theta}")
        if self.logit_softcap is not None and not self.logit_softcap > 0:
            raise ValueError(
                f"logit_softcap must be positive but is {self.logit_softcap}; leave it out for none"
            )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)} but is {getattr(self, name)!r}")

    @property
    def d_head(self) -> int:
        """Features of one attention head."""
        return self.d_model // self.num_heads

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
    "ffn": get_args(FeedForwardForm),
    "init": get_args(InitRule),
}
