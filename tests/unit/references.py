"""Independent references: the definitions written out, with torch.nn.functional or with plain loops.

Nothing here calls `cs336_basics`. Rows of projection weights are grouped by head; RoPE turns adjacent pairs.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM


def rope_by_complex_numbers(x: Tensor, token_positions: Tensor, theta: float) -> Tensor:
    """Multiply each pair, read as a complex number, by exp(i position / theta^(2k / d_head)).

    The factors are rounded to float32, the products are not.
    """
    d_head = x.shape[-1]
    frequencies = 1.0 / theta ** (torch.arange(0, d_head, 2, dtype=torch.float32) / d_head)
    angles = token_positions[..., None].float() * frequencies
    turns = torch.complex(angles.cos().double(), angles.sin().double())
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


def attention_by_loops(
    x: Tensor,
    weights: Mapping[str, Tensor],
    num_heads: int,
    *,
    theta: float | None = None,
    token_positions: Tensor | None = None,
) -> Tensor:
    """Causal self-attention of (batch, seq, d_model), one query at a time, in float64."""
    x = x.double()
    batch, seq, d_model = x.shape
    d_head = d_model // num_heads
    q, k, v = (x @ weights[f"{name}_proj.weight"].double().T for name in "qkv")
    if token_positions is None:
        token_positions = torch.arange(seq)
    positions = token_positions.expand(batch, seq)
    concatenated = torch.empty_like(x)
    for head in range(num_heads):
        rows = slice(head * d_head, (head + 1) * d_head)
        head_q, head_k, head_v = q[..., rows], k[..., rows], v[..., rows]
        if theta is not None:
            head_q = rope_by_complex_numbers(head_q, positions, theta)
            head_k = rope_by_complex_numbers(head_k, positions, theta)
        for b in range(batch):
            for i in range(seq):
                scores = [float(head_q[b, i] @ head_k[b, j]) / math.sqrt(d_head) for j in range(i + 1)]
                exponentials = [math.exp(score) for score in scores]
                total = sum(exponentials)
                concatenated[b, i, rows] = sum(e / total * head_v[b, j] for j, e in enumerate(exponentials))
    return concatenated @ weights["output_proj.weight"].double().T


def rms_norm_by_torch(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """The norm of `torch.nn.functional`, in float64."""
    return functional.rms_norm(x.double(), (x.shape[-1],), weight.double(), eps)


def swiglu_by_torch(x: Tensor, w1: Tensor, w2: Tensor, w3: Tensor) -> Tensor:
    """The feed-forward network with `torch.nn.functional`, in float64."""
    w1, w2, w3 = w1.double(), w2.double(), w3.double()
    return functional.linear(
        functional.silu(functional.linear(x.double(), w1)) * functional.linear(x.double(), w3), w2
    )


def block_by_torch(
    x: Tensor,
    weights: Mapping[str, Tensor],
    num_heads: int,
    *,
    theta: float | None,
    token_positions: Tensor | None = None,
) -> Tensor:
    """A pre-norm block in float64."""
    normalized = rms_norm_by_torch(x, weights["ln1.weight"])
    attention_weights = part(weights, "attn.")
    x = x.double() + attention_by_loops(
        normalized, attention_weights, num_heads, theta=theta, token_positions=token_positions
    )
    normalized = rms_norm_by_torch(x, weights["ln2.weight"])
    w1, w2, w3 = (weights[f"ffn.w{i}.weight"] for i in (1, 2, 3))
    return x + swiglu_by_torch(normalized, w1, w2, w3)


def language_model_by_torch(
    ids: Tensor,
    weights: Mapping[str, Tensor],
    *,
    num_layers: int,
    num_heads: int,
    theta: float,
    token_positions: Tensor | None = None,
) -> Tensor:
    """The logits of the whole model in float64."""
    x = functional.embedding(ids, weights["token_embeddings.weight"]).double()
    for layer in range(num_layers):
        x = block_by_torch(
            x, part(weights, f"layers.{layer}."), num_heads, theta=theta, token_positions=token_positions
        )
    normalized = rms_norm_by_torch(x, weights["ln_final.weight"])
    return functional.linear(normalized, weights["lm_head.weight"].double())


def part(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the weights whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


def random_block_weights(d_model: int, d_ff: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Return weights under the course's names, with gains that differ from 1."""

    def matrix(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, generator=generator) / math.sqrt(columns)

    return {
        "attn.q_proj.weight": matrix(d_model, d_model),
        "attn.k_proj.weight": matrix(d_model, d_model),
        "attn.v_proj.weight": matrix(d_model, d_model),
        "attn.output_proj.weight": matrix(d_model, d_model),
        "ln1.weight": 1 + 0.1 * torch.randn(d_model, generator=generator),
        "ln2.weight": 1 + 0.1 * torch.randn(d_model, generator=generator),
        "ffn.w1.weight": matrix(d_ff, d_model),
        "ffn.w2.weight": matrix(d_model, d_ff),
        "ffn.w3.weight": matrix(d_ff, d_model),
    }


def random_language_model_weights(
    vocab_size: int, d_model: int, num_layers: int, d_ff: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return weights of a whole model under the course's names."""
    weights = {"token_embeddings.weight": torch.randn(vocab_size, d_model, generator=generator)}
    for layer in range(num_layers):
        block = random_block_weights(d_model, d_ff, generator)
        weights |= {f"layers.{layer}.{name}": weight for name, weight in block.items()}
    weights["ln_final.weight"] = 1 + 0.1 * torch.randn(d_model, generator=generator)
    weights["lm_head.weight"] = torch.randn(vocab_size, d_model, generator=generator) / math.sqrt(d_model)
    return weights


def adjacent_pairs_to_halves(rows: Tensor, num_heads: int) -> Tensor:
    """Reorder the rows of a projection, head by head, from pairs (2k, 2k + 1) to pairs (k, k + d_head/2)."""
    by_head = rows.unflatten(0, (num_heads, -1))
    return torch.cat((by_head[:, 0::2], by_head[:, 1::2]), dim=1).flatten(0, 1)


def llama_with_weights(
    weights: Mapping[str, Tensor],
    *,
    context_length: int,
    num_layers: int,
    num_heads: int,
    theta: float,
) -> LlamaForCausalLM:
    """Return Hugging Face's Llama of the same shape, with the weights copied over."""
    vocab_size, d_model = weights["token_embeddings.weight"].shape
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=d_model,
        intermediate_size=weights["layers.0.ffn.w1.weight"].shape[0],
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        max_position_embeddings=context_length,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=False,
    )
    llama = LlamaForCausalLM(config).eval()
    llama.set_attn_implementation("eager")
    state = {
        "model.embed_tokens.weight": weights["token_embeddings.weight"],
        "model.norm.weight": weights["ln_final.weight"],
        "lm_head.weight": weights["lm_head.weight"],
    }
    for layer in range(num_layers):
        ours, theirs = part(weights, f"layers.{layer}."), f"model.layers.{layer}."
        state[theirs + "input_layernorm.weight"] = ours["ln1.weight"]
        state[theirs + "post_attention_layernorm.weight"] = ours["ln2.weight"]
        for name in ("q_proj", "k_proj"):
            state[theirs + f"self_attn.{name}.weight"] = adjacent_pairs_to_halves(
                ours[f"attn.{name}.weight"], num_heads
            )
        state[theirs + "self_attn.v_proj.weight"] = ours["attn.v_proj.weight"]
        state[theirs + "self_attn.o_proj.weight"] = ours["attn.output_proj.weight"]
        state[theirs + "mlp.gate_proj.weight"] = ours["ffn.w1.weight"]
        state[theirs + "mlp.down_proj.weight"] = ours["ffn.w2.weight"]
        state[theirs + "mlp.up_proj.weight"] = ours["ffn.w3.weight"]
    llama.load_state_dict(state)
    return llama
