"""The names of weights here and in Hugging Face's Llama, and how many heads the rotated ones have."""

from collections.abc import Iterator

from cs336_basics.nn.config import ModelConfig

HEAD = "lm_head.weight"
OUTSIDE = {
    "token_embeddings.weight": "model.embed_tokens.weight",
    "ln_final.weight": "model.norm.weight",
    HEAD: "lm_head.weight",
}
IN_A_BLOCK = {
    "ln1.weight": "input_layernorm.weight",
    "attn.q_proj.weight": "self_attn.q_proj.weight",
    "attn.k_proj.weight": "self_attn.k_proj.weight",
    "attn.v_proj.weight": "self_attn.v_proj.weight",
    "attn.output_proj.weight": "self_attn.o_proj.weight",
    "ln2.weight": "post_attention_layernorm.weight",
    "ffn.w1.weight": "mlp.gate_proj.weight",
    "ffn.w2.weight": "mlp.down_proj.weight",
    "ffn.w3.weight": "mlp.up_proj.weight",
}


def weight_names(config: ModelConfig) -> Iterator[str]:
    """Yield our names of all weights of a model; a tied head is none."""
    for name in OUTSIDE:
        if not (config.tie_embeddings and name == HEAD):
            yield name
    for layer in range(config.num_layers):
        for name in IN_A_BLOCK:
            yield f"layers.{layer}.{name}"


def llama_name(name: str) -> str:
    """Return Hugging Face's name: `layers.3.ln1.weight` -> `model.layers.3.input_layernorm.weight`."""
    if name in OUTSIDE:
        return OUTSIDE[name]
    layers, layer, rest = name.split(".", 2)
    return f"model.{layers}.{layer}.{IN_A_BLOCK[rest]}"


def rotated_heads(name: str, config: ModelConfig) -> int | None:
    """Return the number of heads if RoPE turns what the weight makes, else None."""
    if name.endswith(".attn.q_proj.weight"):
        return config.num_heads
    if name.endswith(".attn.k_proj.weight"):
        return config.key_value_heads
    return None
