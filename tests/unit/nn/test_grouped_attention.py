"""Grouped attention beside the plain one with repeated weights, and what its cache holds."""

import pytest
import torch

from cs336_basics import rope_tables
from cs336_basics.nn.decoding_step import decoding_step
from cs336_basics.nn.grouped_attention import (
    GroupedChunkedSelfAttention,
    GroupedSdpaSelfAttention,
    GroupedSelfAttention,
)
from cs336_basics.nn.kv_cache import LayerCache
from tests.unit.references import attention_by_loops

BATCH, SEQ, HEADS, KV_HEADS, D_HEAD = 2, 7, 6, 2, 10
D_MODEL = HEADS * D_HEAD  # the size that the plain reference can have
FORMS = [GroupedSelfAttention, GroupedChunkedSelfAttention, GroupedSdpaSelfAttention]


def with_repeated_keys(attention: GroupedSelfAttention) -> dict[str, torch.Tensor]:
    """The weights of the plain attention in which each head has a copy of its group's keys and values."""
    weights = dict(attention.state_dict())
    for name in ("k_proj.weight", "v_proj.weight"):
        by_head = weights[name].unflatten(0, (KV_HEADS, D_HEAD))
        weights[name] = by_head[[0, 0, 0, 1, 1, 1]].flatten(0, 1)
    return weights


@pytest.mark.parametrize("form", FORMS)
def test_neighbouring_heads_share_keys_and_values(form):
    attention = form(D_MODEL, HEADS, KV_HEADS, D_HEAD, dtype=torch.float64)
    x, positions = torch.randn(BATCH, SEQ, D_MODEL, dtype=torch.float64), torch.tensor([0, 1, 3, 4, 7, 9, 11])
    expected = attention_by_loops(
        x, with_repeated_keys(attention), HEADS, theta=500.0, token_positions=positions
    )
    attended = attention(x, rope_tables(D_HEAD, 13, 500.0), positions)
    torch.testing.assert_close(attended, expected, rtol=0, atol=1e-6)  # the tables are float32


@pytest.mark.parametrize("form", FORMS)
def test_heads_of_any_size_have_their_own_shapes(form):
    attention = form(28, HEADS, KV_HEADS, D_HEAD)
    shapes = {name: tuple(weight.shape) for name, weight in attention.state_dict().items()}
    assert shapes == {
        "q_proj.weight": (60, 28),
        "k_proj.weight": (20, 28),
        "v_proj.weight": (20, 28),
        "output_proj.weight": (28, 60),
    }
    assert attention(torch.randn(3, 1, SEQ, 28)).shape == (3, 1, SEQ, 28)


@torch.inference_mode()
def test_the_cache_holds_the_shared_heads_only():
    attention, layer_cache = (
        GroupedSelfAttention(28, HEADS, KV_HEADS, D_HEAD, dtype=torch.float64),
        LayerCache(),
    )
    x, tables = torch.randn(BATCH, SEQ, 28, dtype=torch.float64), rope_tables(D_HEAD, SEQ)
    expected = attention(x, tables)
    attention.prefill(x[:, : SEQ - 1], tables, layer_cache)
    assert layer_cache.keys.shape[:2] == layer_cache.values.shape[:2] == (BATCH, KV_HEADS)
    step = decoding_step([SEQ - 1, SEQ - 1], tables, device=x.device)
    decoded = attention.decode(x[:, SEQ - 1 :], step, layer_cache)
    torch.testing.assert_close(decoded, expected[:, SEQ - 1 :], rtol=0, atol=1e-6)


@pytest.mark.parametrize("num_kv_heads", [4, 0, -1])
def test_heads_that_cannot_be_grouped_name_both(num_kv_heads):
    message = f"num_kv_heads must divide num_heads but {num_kv_heads} does not divide 6;"
    with pytest.raises(ValueError, match=message):
        GroupedSelfAttention(28, 6, num_kv_heads, 10)
