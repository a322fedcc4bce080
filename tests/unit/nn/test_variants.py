"""Every choice of `ModelConfig`, alone and in combinations: what the built model computes and trains."""

import dataclasses
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cs336_basics import (
    ModelConfig,
    MultiHeadSelfAttention,
    RMSNorm,
    TransformerLM,
    cross_entropy,
    generate,
    load_checkpoint,
)
from cs336_basics.checkpoint.single_file import save_checkpoint
from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.generation.plain_decoding import generate_plainly
from cs336_basics.nn.block import TransformerBlock
from cs336_basics.nn.feed_forward import FeedForward
from cs336_basics.nn.init import MATRIX_RULES
from cs336_basics.nn.normalized_projection import NormalizedProjection
from cs336_basics.nn.post_norm_block import PostNormBlock
from cs336_basics.optim.adamw import AdamW

VOCAB, CONTEXT, D_MODEL, LAYERS, HEADS, D_FF = 31, 13, 12, 2, 3, 7
PLAIN = ModelConfig(
    vocab_size=VOCAB, context_length=CONTEXT, d_model=D_MODEL, num_layers=LAYERS, num_heads=HEADS, d_ff=D_FF
)
CHOICES = {
    "norm": ["pre", "post", "none"],
    "position": ["rope", "none"],
    "ffn": ["swiglu", "silu", "relu2"],
    "attention": ["reference", "chunked", "sdpa"],
    "qk_norm": [False, True],
    "tie_embeddings": [False, True],
    "logit_softcap": [None, 5.0],
    "num_kv_heads": [None, 1],
    "d_head": [None, 10],
    "rope_scaling": ["none", "llama3"],
    "norm_eps": [1e-5, 0.1],
}
ALONE = [{name: value} for name, values in CHOICES.items() for value in values[1:]]
configs = st.builds(
    lambda **chosen: dataclasses.replace(PLAIN, **chosen),
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
)


def built(config: ModelConfig, dtype: torch.dtype = torch.float64) -> TransformerLM:
    torch.manual_seed(3)
    return TransformerLM.from_config(config, dtype=dtype)


def random_ids(*shape: int) -> torch.Tensor:
    return torch.randint(VOCAB, shape, generator=torch.Generator().manual_seed(5))


def num_parameters(config: ModelConfig) -> int:
    """Counted on paper, from the sizes."""
    matrices = {"swiglu": 3, "silu": 2, "relu2": 2}[config.ffn]
    d_head = config.d_head or D_MODEL // HEADS
    key_heads = config.num_kv_heads or HEADS
    attention = 2 * D_MODEL * d_head * (HEADS + key_heads) + 2 * d_head * config.qk_norm
    block = attention + matrices * D_MODEL * D_FF
    norms = 0 if config.norm == "none" else (2 * LAYERS + 1) * D_MODEL
    tables = 1 if config.tie_embeddings else 2
    return tables * VOCAB * D_MODEL + LAYERS * block + norms


@settings(max_examples=40, deadline=None, derandomize=True)
@given(configs)
def test_every_combination_is_causal_counted_and_trains_all_its_weights(config):
    model, ids = built(config), random_ids(2, CONTEXT)
    assert sum(weight.numel() for weight in model.parameters()) == num_parameters(config)
    logits = model(ids)
    later = ids.clone()
    later[:, 8:] = (later[:, 8:] + 1) % VOCAB
    torch.testing.assert_close(model(later)[:, :8], logits[:, :8], rtol=0, atol=1e-12)
    cross_entropy(logits[:, :-1], ids[:, 1:]).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert bool(weight.grad.isfinite().all()), name
        assert bool(weight.grad.any()), name


@settings(max_examples=12, deadline=None, derandomize=True)
@given(configs, st.sampled_from(["recompute", "half"]))
@pytest.mark.without_type_checks
def test_every_combination_generates_the_same_with_a_cache(config, overflow):
    model, prompts = built(config), [[3, 1, 4], [1], [5, 9, 2, 6, 5]]
    options = {"temperature": 0.0, "overflow": overflow}
    assert generate(model, prompts, 15, **options) == generate_plainly(model, prompts, 15, **options)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(configs)
def test_every_combination_has_the_same_loss_and_gradients_in_chunks(config):
    model, ids = built(config), random_ids(2, CONTEXT)
    hidden = model.hidden_states(ids[:, :-1])
    weight = model.lm_head.weight
    plain = cross_entropy(model.lm_head(hidden), ids[:, 1:])
    chunked = chunked_cross_entropy(
        hidden, weight, ids[:, 1:], logit_softcap=config.logit_softcap, chunk_tokens=5
    )
    torch.testing.assert_close(chunked, plain, rtol=1e-12, atol=0)
    expected = torch.autograd.grad(plain, (hidden, weight), retain_graph=True)
    found = torch.autograd.grad(chunked, (hidden, weight))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("chosen", ALONE, ids=str)
def test_every_choice_survives_a_checkpoint(chosen, tmp_path):
    config = dataclasses.replace(PLAIN, **chosen)
    model, ids = built(config, torch.float32), random_ids(2, CONTEXT)
    optimizer = AdamW(model.parameters())
    cross_entropy(model(ids), ids).backward()
    optimizer.step()
    save_checkpoint(model, optimizer, 1, tmp_path / "checkpoint.pt")
    other = TransformerLM.from_config(config)
    load_checkpoint(tmp_path / "checkpoint.pt", other, AdamW(other.parameters()))
    assert torch.equal(other(ids), model(ids))


def test_post_norm_block_is_the_equation():
    block = built(dataclasses.replace(PLAIN, norm="post")).get_submodule("layers.0")
    assert isinstance(block, PostNormBlock)
    x = torch.randn(2, 5, D_MODEL, dtype=torch.float64)
    first = functional.rms_norm(x + block.attn(x), (D_MODEL,), eps=1e-5)
    expected = functional.rms_norm(first + block.ffn(first), (D_MODEL,), eps=1e-5)
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-12)


def test_without_norms_nothing_is_normalised():
    model = built(dataclasses.replace(PLAIN, norm="none"))
    assert not any(isinstance(module, RMSNorm) for module in model.modules())
    assert all(type(block) is TransformerBlock for block in model.layers)


def test_without_positions_the_order_of_earlier_tokens_changes_nothing_at_the_last_but_with_rope_it_does():
    ids = random_ids(1, 6)
    swapped = ids[:, [2, 0, 4, 1, 3, 5]]
    for position, is_same in (("none", True), ("rope", False)):
        model = built(dataclasses.replace(PLAIN, position=position, num_layers=1))
        assert torch.allclose(model(ids)[:, -1], model(swapped)[:, -1], rtol=0, atol=1e-12) == is_same


@pytest.mark.parametrize(
    ("ffn", "activation"), [("silu", functional.silu), ("relu2", lambda x: functional.relu(x) ** 2)]
)
def test_feed_forward_networks_of_two_matrices(ffn, activation):
    network = built(dataclasses.replace(PLAIN, ffn=ffn, d_ff=None)).get_submodule("layers.0.ffn")
    assert isinstance(network, FeedForward)
    assert network.w1.weight.shape == (4 * D_MODEL, D_MODEL)
    x = torch.randn(2, 5, D_MODEL, dtype=torch.float64)
    expected = functional.linear(activation(functional.linear(x, network.w1.weight)), network.w2.weight)
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-12)


def test_queries_and_keys_are_normalised_by_head():
    attention = built(dataclasses.replace(PLAIN, qk_norm=True)).get_submodule("layers.0.attn")
    x = torch.randn(2, 5, D_MODEL, dtype=torch.float64)
    assert isinstance(attention, MultiHeadSelfAttention)
    q, k, _ = attention.project(x)
    for heads, projection in ((q, attention.q_proj), (k, attention.k_proj)):
        assert isinstance(projection, NormalizedProjection)
        by_head = projection.projection(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        expected = functional.rms_norm(by_head, (D_MODEL // HEADS,), eps=1e-5)
        torch.testing.assert_close(heads, expected, rtol=0, atol=1e-12)
    assert not isinstance(attention.v_proj, NormalizedProjection)


@pytest.mark.parametrize("softcap", [None, 5.0])
def test_tied_head_is_the_embedding_drawn_by_the_rule_of_the_matrices(softcap):
    model = built(dataclasses.replace(PLAIN, tie_embeddings=True, logit_softcap=softcap, init="normal"))
    assert model.lm_head.weight is model.token_embeddings.weight
    assert [name for name in model.state_dict() if "head" in name] == []
    assert 0.017 < model.token_embeddings.weight.std().item() < 0.023


def test_softcapped_logits_are_bent_and_stay_below_the_cap():
    plain, capped = built(PLAIN), built(dataclasses.replace(PLAIN, logit_softcap=0.5))
    capped.load_state_dict(
        {name.replace("lm_head.", "lm_head.head."): value for name, value in plain.state_dict().items()}
    )
    ids = random_ids(2, CONTEXT)
    logits = capped(ids)
    torch.testing.assert_close(logits, 0.5 * torch.tanh(plain(ids) / 0.5), rtol=0, atol=1e-12)
    assert logits.abs().max() < 0.5 < plain(ids).abs().max()


def test_zero_outputs_make_each_block_begin_as_the_identity():
    model = built(dataclasses.replace(PLAIN, zero_init_outputs=True))
    x = torch.randn(2, 5, D_MODEL, dtype=torch.float64)
    for layer in range(LAYERS):
        assert torch.equal(model.get_submodule(f"layers.{layer}")(x), x)
        assert model.get_parameter(f"layers.{layer}.attn.q_proj.weight").any()
        assert model.get_parameter(f"layers.{layer}.ffn.w1.weight").any()


@pytest.mark.parametrize(("ffn", "rule"), [*product(["swiglu", "relu2"], ["normal", "orthogonal"])])
def test_rules_reach_the_matrices_of_every_variant(ffn, rule):
    config = dataclasses.replace(PLAIN, ffn=ffn, qk_norm=True, init=rule)
    drawn, default = built(config), built(dataclasses.replace(config, init="trunc_normal"))
    for (name, weight), other in zip(drawn.named_parameters(), default.parameters(), strict=True):
        is_matrix = weight.ndim == 2 and "embeddings" not in name
        assert torch.equal(weight, other) != is_matrix, name
    assert rule in MATRIX_RULES


def test_odd_heads_are_welcome_where_nothing_is_rotated():
    model = built(dataclasses.replace(PLAIN, num_heads=4, position="none"))
    assert model(random_ids(1, 5)).shape == (1, 5, VOCAB)
