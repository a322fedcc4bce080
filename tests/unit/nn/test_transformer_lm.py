import copy
from typing import get_args

import pytest
import torch
from torch.nn import functional

from cs336_basics import ModelConfig, TransformerLM, rope_tables
from cs336_basics.nn.config import AttentionForm
from tests.unit.references import (
    language_model_by_torch,
    llama_with_weights,
    random_language_model_weights,
)

BATCH, VOCAB, CONTEXT, LAYERS, HEADS, D_HEAD, D_FF, THETA = 2, 31, 13, 3, 5, 14, 11, 500.0
D_MODEL = HEADS * D_HEAD


def model_with_random_weights(dtype=torch.float32) -> TransformerLM:
    model = TransformerLM(VOCAB, CONTEXT, D_MODEL, LAYERS, HEADS, D_FF, THETA, dtype=dtype)
    generator = torch.Generator().manual_seed(7)
    model.load_state_dict(random_language_model_weights(VOCAB, D_MODEL, LAYERS, D_FF, generator))
    return model


def random_ids(*shape: int) -> torch.Tensor:
    return torch.randint(VOCAB, shape, generator=torch.Generator().manual_seed(11))


def test_language_model_equals_llama_with_the_same_weights():
    model = model_with_random_weights()
    llama = llama_with_weights(
        model.state_dict(), context_length=CONTEXT, num_layers=LAYERS, num_heads=HEADS, theta=THETA
    )
    ids = random_ids(BATCH, CONTEXT)
    logits = model(ids)
    assert logits.std() > 0.5
    torch.testing.assert_close(logits, llama(ids).logits, rtol=0, atol=1e-5)


def test_language_model_has_the_gradients_of_llama():
    model = model_with_random_weights()
    llama = llama_with_weights(
        model.state_dict(), context_length=CONTEXT, num_layers=LAYERS, num_heads=HEADS, theta=THETA
    )
    ids = random_ids(BATCH, CONTEXT)
    for logits in (model(ids), llama(ids).logits):
        functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    theirs_of = {
        "token_embeddings.weight": "model.embed_tokens.weight",
        "layers.0.ffn.w1.weight": "model.layers.0.mlp.gate_proj.weight",
        "layers.2.attn.v_proj.weight": "model.layers.2.self_attn.v_proj.weight",
        "ln_final.weight": "model.norm.weight",
    }
    for ours, theirs in theirs_of.items():
        expected = llama.get_parameter(theirs).grad
        torch.testing.assert_close(model.get_parameter(ours).grad, expected, rtol=0, atol=1e-6)


def test_language_model_in_float64_equals_the_reference():
    model = model_with_random_weights(torch.float64)
    ids = random_ids(BATCH, CONTEXT)
    expected = language_model_by_torch(
        ids, model.state_dict(), num_layers=LAYERS, num_heads=HEADS, theta=THETA
    )
    torch.testing.assert_close(model(ids), expected, rtol=0, atol=1e-10)


def test_language_model_takes_token_positions():
    model = model_with_random_weights(torch.float64)
    ids, positions = random_ids(BATCH, 3), torch.tensor([[0, 5, 7], [2, 3, 12]])
    expected = language_model_by_torch(
        ids,
        model.state_dict(),
        num_layers=LAYERS,
        num_heads=HEADS,
        theta=THETA,
        token_positions=positions,
    )
    torch.testing.assert_close(model(ids, positions), expected, rtol=0, atol=1e-10)
    assert torch.equal(model(ids, torch.arange(3)), model(ids))


def test_language_model_has_exactly_the_names_and_shapes_of_the_course():
    expected = random_language_model_weights(VOCAB, D_MODEL, LAYERS, D_FF, torch.Generator())
    state = TransformerLM(VOCAB, CONTEXT, D_MODEL, LAYERS, HEADS, D_FF, THETA).state_dict()
    assert {name: w.shape for name, w in state.items()} == {name: w.shape for name, w in expected.items()}


@pytest.mark.parametrize("changed", range(1, CONTEXT))
def test_language_model_logits_do_not_depend_on_later_tokens(changed):
    model = model_with_random_weights()
    ids = random_ids(BATCH, CONTEXT)
    before = model(ids)
    ids[:, changed] = (ids[:, changed] + 1) % VOCAB
    after = model(ids)
    torch.testing.assert_close(after[:, :changed], before[:, :changed], rtol=0, atol=1e-6)
    assert not torch.allclose(after[:, changed], before[:, changed], rtol=0, atol=1e-2)


@pytest.mark.parametrize("seq", [1, 6, CONTEXT])
def test_language_model_of_a_shorter_sequence_is_the_beginning_of_the_longer(seq):
    model = model_with_random_weights()
    ids = random_ids(BATCH, CONTEXT)
    torch.testing.assert_close(model(ids[:, :seq]), model(ids)[:, :seq], rtol=0, atol=1e-5)


def test_language_model_takes_any_leading_axes():
    model = model_with_random_weights()
    ids = random_ids(BATCH, 3, 7)
    logits = model(ids)
    assert logits.shape == (BATCH, 3, 7, VOCAB)
    torch.testing.assert_close(logits[1, 2], model(ids[1, 2]), rtol=0, atol=1e-5)


def test_language_model_names_both_numbers_of_too_long_a_sequence():
    with pytest.raises(ValueError, match=r"context_length = 13 tokens but has 14;"):
        model_with_random_weights()(random_ids(BATCH, CONTEXT + 1))


@pytest.mark.parametrize("wrong", [-1, VOCAB])
def test_language_model_names_an_id_outside_the_vocabulary(wrong):
    with pytest.raises(IndexError, match=rf"vocabulary of 31 but got {wrong};"):
        model_with_random_weights()(torch.tensor([[0, wrong]]))


def test_language_model_in_bfloat16_keeps_its_tables_and_its_predictions():
    model = model_with_random_weights()
    ids = random_ids(BATCH, CONTEXT)
    expected = model(ids)
    narrow = copy.deepcopy(model).bfloat16()
    logits = narrow(ids)
    assert logits.dtype == torch.bfloat16
    for table, exact in zip(narrow.positions(), rope_tables(D_HEAD, CONTEXT, THETA), strict=True):
        assert table.dtype == torch.float32
        assert torch.equal(table, exact)
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=0.25)


def meta_by_argument() -> TransformerLM:
    return TransformerLM(VOCAB, CONTEXT, D_MODEL, LAYERS, HEADS, D_FF, THETA, device="meta")


def meta_by_context() -> TransformerLM:
    with torch.device("meta"):
        return TransformerLM(VOCAB, CONTEXT, D_MODEL, LAYERS, HEADS, D_FF, THETA)


@pytest.mark.parametrize("build", [meta_by_argument, meta_by_context])
def test_language_model_from_the_meta_device_works_once_it_is_loaded(build):
    model = model_with_random_weights()
    loaded = build()
    assert {w.device.type for w in loaded.parameters()} | {b.device.type for b in loaded.buffers()} == {
        "meta"
    }
    loaded = loaded.to_empty(device="cpu")
    loaded.load_state_dict(model.state_dict())
    ids = random_ids(BATCH, CONTEXT)
    assert torch.equal(loaded(ids), model(ids))


def test_language_model_refuses_heads_that_do_not_divide_d_model():
    with pytest.raises(ValueError, match="71 is not a multiple of 5"):
        TransformerLM(VOCAB, CONTEXT, 71, LAYERS, HEADS, D_FF)


def test_language_model_refuses_heads_of_odd_size():
    with pytest.raises(ValueError, match="must be even, but 35 / 5 is 7"):
        TransformerLM(VOCAB, CONTEXT, 35, LAYERS, HEADS, D_FF)


def test_language_model_can_learn_one_batch_by_heart():
    model = TransformerLM(VOCAB, CONTEXT, D_MODEL, 1, HEADS, D_FF)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    ids = random_ids(BATCH, CONTEXT)
    for _ in range(60):
        loss = functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize("attention", get_args(AttentionForm))
def test_a_sequence_of_no_tokens_is_refused(attention):
    config = ModelConfig(
        vocab_size=31, context_length=13, d_model=28, num_layers=1, num_heads=2, attention=attention
    )
    with pytest.raises(ValueError, match="a sequence must hold at least one token but is empty"):
        TransformerLM.from_config(config)(torch.empty(2, 0, dtype=torch.long))


@pytest.mark.parametrize("attention", ["reference", "chunked"])
@pytest.mark.parametrize("position", [-1, -11, 11, 40])
def test_a_position_beyond_the_context_is_an_index_error(attention, position):
    config = ModelConfig(
        vocab_size=7, context_length=11, d_model=6, num_layers=1, num_heads=3, attention=attention
    )
    model = TransformerLM.from_config(config)
    message = f"positions must lie in 0..10 for tables of 11 positions but one is {position};"
    with pytest.raises(IndexError, match=message):
        model(torch.tensor([1, 2, 3]), torch.tensor([0, position, 10]))
