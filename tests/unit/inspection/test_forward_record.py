"""The record of a forward pass, held against the whole model written out for every choice of its parts."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cs336_basics import ModelConfig, TransformerLM
from cs336_basics.inspection.forward_record import ForwardRecord, record_forward_pass
from tests.unit.nn.pretrained.llamas import ALL, llama, written
from tests.unit.nn.pretrained.llamas import random_ids as llama_ids
from tests.unit.references import rope_by_complex_numbers

VOCAB, CONTEXT, D_MODEL, LAYERS, HEADS, D_FF, SEQ = 31, 13, 12, 2, 3, 7, 11
PLAIN = ModelConfig(
    vocab_size=VOCAB, context_length=CONTEXT, d_model=D_MODEL, num_layers=LAYERS, num_heads=HEADS, d_ff=D_FF
)
configs = st.builds(
    lambda **chosen: dataclasses.replace(PLAIN, **chosen),
    norm=st.sampled_from(["pre", "post", "none"]),
    position=st.sampled_from(["rope", "none"]),
    ffn=st.sampled_from(["swiglu", "silu", "relu2"]),
    attention=st.sampled_from(["reference", "chunked", "sdpa"]),
    qk_norm=st.booleans(),
    tie_embeddings=st.booleans(),
    logit_softcap=st.sampled_from([None, 5.0]),
    num_kv_heads=st.sampled_from([None, 1]),
    d_head=st.sampled_from([None, 6]),
)


def built(config: ModelConfig, dtype: torch.dtype = torch.float64) -> TransformerLM:
    """A model whose weights are large enough to tell tokens and positions apart."""
    torch.manual_seed(3)
    model = TransformerLM.from_config(config, dtype=dtype)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5).add_(0.1 * torch.rand_like(weight))
    return model


def some_ids(seq: int = SEQ) -> torch.Tensor:
    return torch.randint(VOCAB, (seq,), generator=torch.Generator().manual_seed(5))


@dataclasses.dataclass
class Expected:
    logits: torch.Tensor
    attention_weights: torch.Tensor
    stream_norms: torch.Tensor


def written_out(model: TransformerLM, ids: torch.Tensor) -> Expected:
    """The model as equations: nothing of it is used but its weights."""
    config, weights = model.config, {name: weight.detach() for name, weight in model.named_parameters()}
    x = weights["token_embeddings.weight"][ids]
    norms, maps = [x.norm(dim=-1)], []
    for layer in range(config.num_layers):
        block = {
            name.removeprefix(f"layers.{layer}."): weight
            for name, weight in weights.items()
            if name.startswith(f"layers.{layer}.")
        }
        attended, weights_of_heads = attention(config, block, norm(config, block, "ln1", x, "pre"))
        x = norm(config, block, "ln1", x + attended, "post")
        fed = feed_forward(config, block, norm(config, block, "ln2", x, "pre"))
        x = norm(config, block, "ln2", x + fed, "post")
        norms.append(x.norm(dim=-1))
        maps.append(weights_of_heads)
    if config.norm != "none":
        x = functional.rms_norm(x, (D_MODEL,), weights["ln_final.weight"], 1e-5)
    head = next(weights[name] for name in HEAD_NAMES if name in weights)
    logits = x @ head.T
    if config.logit_softcap is not None:
        logits = config.logit_softcap * torch.tanh(logits / config.logit_softcap)
    return Expected(logits, torch.stack(maps), torch.stack(norms))


HEAD_NAMES = ("lm_head.weight", "lm_head.head.weight", "token_embeddings.weight")


def norm(config: ModelConfig, block: dict, name: str, x: torch.Tensor, place: str) -> torch.Tensor:
    """Normalise where the configuration has its norms."""
    if config.norm != place:
        return x
    return functional.rms_norm(x, (D_MODEL,), block[f"{name}.weight"], 1e-5)


def attention(config: ModelConfig, block: dict, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One head after another: what is attended to, and the weights of each head."""
    d_head = config.d_head or D_MODEL // HEADS
    sharing = HEADS // (config.num_kv_heads or HEADS)
    outputs, maps = [], []
    for head in range(HEADS):
        rows, kv_rows = (slice(i * d_head, (i + 1) * d_head) for i in (head, head // sharing))
        q = projected(config, block, "q_proj", rows, x)
        k = projected(config, block, "k_proj", kv_rows, x)
        v = x @ block["attn.v_proj.weight"][kv_rows].T
        scores = q @ k.T / math.sqrt(d_head)
        future = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
        maps.append(functional.softmax(scores.masked_fill(future, -math.inf), dim=-1))
        outputs.append(maps[-1] @ v)
    return torch.cat(outputs, dim=-1) @ block["attn.output_proj.weight"].T, torch.stack(maps)


def projected(config: ModelConfig, block: dict, name: str, rows: slice, x: torch.Tensor) -> torch.Tensor:
    """The queries or keys of one head."""
    if config.qk_norm:
        features = x @ block[f"attn.{name}.projection.weight"][rows].T
        features = functional.rms_norm(features, features.shape[-1:], block[f"attn.{name}.norm.weight"], 1e-5)
    else:
        features = x @ block[f"attn.{name}.weight"][rows].T
    if config.position == "none":
        return features
    return rope_by_complex_numbers(features, torch.arange(len(x)), config.rope_theta)


def feed_forward(config: ModelConfig, block: dict, x: torch.Tensor) -> torch.Tensor:
    hidden = x @ block["ffn.w1.weight"].T
    activated = functional.relu(hidden) ** 2 if config.ffn == "relu2" else functional.silu(hidden)
    if config.ffn == "swiglu":
        activated = activated * (x @ block["ffn.w3.weight"].T)
    return activated @ block["ffn.w2.weight"].T


@settings(max_examples=24, deadline=None, derandomize=True)
@given(configs)
def test_every_combination_is_recorded_as_the_equations_have_it(config):
    model, ids = built(config), some_ids()
    record, expected = record_forward_pass(model, ids), written_out(model, ids)
    assert torch.equal(record.logits, model(ids).detach())
    for name in ("logits", "attention_weights", "stream_norms"):
        torch.testing.assert_close(getattr(record, name), getattr(expected, name), rtol=1e-9, atol=1e-9)
    assert not record.attention_weights.triu(1).any()


def test_a_llama_holds_what_transformers_says(tmp_path):
    peer, ids = llama(**ALL), llama_ids(1, 41)
    record = record_forward_pass(TransformerLM.from_pretrained(written(tmp_path, peer)), ids[0])
    with torch.no_grad():
        expected = peer(ids, output_attentions=True, output_hidden_states=True)
    weights = torch.cat(expected.attentions)
    torch.testing.assert_close(record.attention_weights, weights, rtol=0, atol=1e-5)
    *streams, _ = expected.hidden_states  # the last one is normalised there
    norms = torch.cat(streams).norm(dim=-1)
    torch.testing.assert_close(record.stream_norms[:-1], norms, rtol=1e-5, atol=0)
    torch.testing.assert_close(record.logits, expected.logits[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("attention", ["reference", "chunked", "sdpa"])
def test_float32_gives_the_same_within_its_precision(attention):
    config = dataclasses.replace(PLAIN, attention=attention)
    model, ids = built(config, torch.float32), some_ids(CONTEXT)
    record, expected = record_forward_pass(model, ids), written_out(model.double(), ids)
    assert record.attention_weights.dtype == torch.float32
    torch.testing.assert_close(
        record.attention_weights.double(), expected.attention_weights, rtol=0, atol=1e-5
    )
    torch.testing.assert_close(record.stream_norms.double(), expected.stream_norms, rtol=1e-6, atol=0)
    torch.testing.assert_close(record.logits.double(), expected.logits, rtol=0, atol=1e-5)


def test_narrow_weights_are_recorded_in_float32():
    record = record_forward_pass(built(PLAIN, torch.bfloat16), some_ids())
    assert {getattr(record, field.name).dtype for field in dataclasses.fields(record)} == {
        torch.float32,
        torch.int64,
    }
    torch.testing.assert_close(
        record.attention_weights.sum(-1), torch.ones(LAYERS, HEADS, SEQ), rtol=0, atol=0.02
    )


def test_losses_are_those_of_the_tokens_that_follow_and_the_likeliest_come_first():
    model, ids = built(PLAIN), some_ids()
    record = record_forward_pass(model, ids)
    logits = model(ids).detach()
    expected = functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
    torch.testing.assert_close(record.losses, expected, rtol=0, atol=1e-12)
    probabilities = functional.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    assert torch.equal(record.likeliest_ids, probabilities.indices[:, :5])
    torch.testing.assert_close(
        record.likeliest_probabilities, probabilities.values[:, :5], rtol=0, atol=1e-12
    )


def shapes(record: ForwardRecord) -> dict[str, tuple[int, ...]]:
    return {field.name: tuple(getattr(record, field.name).shape) for field in dataclasses.fields(record)}


def test_one_token_and_few_entries_are_enough():
    model = built(dataclasses.replace(PLAIN, vocab_size=3))
    assert shapes(record_forward_pass(model, torch.tensor([2]))) == {
        "logits": (1, 3),
        "losses": (0,),
        "likeliest_ids": (1, 3),
        "likeliest_probabilities": (1, 3),
        "attention_weights": (LAYERS, HEADS, 1, 1),
        "stream_norms": (LAYERS + 1, 1),
    }


def test_the_model_is_left_as_it_was():
    model, ids = built(PLAIN), some_ids()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    record_forward_pass(model, ids)
    with pytest.raises(ValueError, match="at most context_length = 13 tokens but has 14"):
        record_forward_pass(model, some_ids(14))
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())


def test_no_token_and_no_numbers_are_refused():
    model = built(PLAIN)
    with pytest.raises(ValueError, match="at least one token but the text has none"):
        record_forward_pass(model, some_ids(0))
    ids = torch.tensor([4, 4, 7, 4])
    with torch.no_grad():
        model.token_embeddings.weight[7] = math.nan
    with pytest.raises(ValueError, match="finite numbers but some of this text's are not"):
        record_forward_pass(model, ids)
