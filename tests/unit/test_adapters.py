"""A stand-in for the course's suite: every adapter, by its own parameter names, on random weights."""

import inspect
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from cs336_basics import AdamW
from tests import adapters
from tests.unit.references import (
    attention_by_loops,
    block_by_torch,
    language_model_by_torch,
    llama_with_weights,
    random_block_weights,
    random_language_model_weights,
    rms_norm_by_torch,
    rope_by_complex_numbers,
    swiglu_by_torch,
)

BATCH, VOCAB, CONTEXT, LAYERS, HEADS, D_HEAD, SEQ, D_FF, THETA = 2, 31, 19, 3, 5, 14, 13, 11, 10000.0
D_MODEL = HEADS * D_HEAD

PARAMETERS = {
    "run_linear": "d_in d_out weights in_features",
    "run_embedding": "vocab_size d_model weights token_ids",
    "run_swiglu": "d_model d_ff w1_weight w2_weight w3_weight in_features",
    "run_scaled_dot_product_attention": "Q K V mask",
    "run_multihead_self_attention": (
        "d_model num_heads q_proj_weight k_proj_weight v_proj_weight o_proj_weight in_features"
    ),
    "run_multihead_self_attention_with_rope": (
        "d_model num_heads max_seq_len theta q_proj_weight k_proj_weight v_proj_weight o_proj_weight "
        "in_features token_positions"
    ),
    "run_rope": "d_k theta max_seq_len in_query_or_key token_positions",
    "run_transformer_block": "d_model num_heads d_ff max_seq_len theta weights in_features",
    "run_transformer_lm": (
        "vocab_size context_length d_model num_layers num_heads d_ff rope_theta weights in_indices"
    ),
    "run_rmsnorm": "d_model eps weights in_features",
    "run_silu": "in_features",
    "run_get_batch": "dataset batch_size context_length device",
    "run_softmax": "in_features dim",
    "run_cross_entropy": "inputs targets",
    "run_gradient_clipping": "parameters max_l2_norm",
    "get_adamw_cls": "",
    "run_get_lr_cosine_schedule": ("it max_learning_rate min_learning_rate warmup_iters cosine_cycle_iters"),
    "run_save_checkpoint": "model optimizer iteration out",
    "run_load_checkpoint": "src model optimizer",
    "get_tokenizer": "vocab merges special_tokens",
    "run_train_bpe": "input_path vocab_size special_tokens kwargs",
}
DEFAULTS = {
    "run_scaled_dot_product_attention": {"mask": None},
    "run_multihead_self_attention_with_rope": {"token_positions": None},
    "get_tokenizer": {"special_tokens": None},
}
POSITIONS = {
    "(seq,)": torch.arange(SEQ),
    "(1, seq)": torch.arange(SEQ)[None],
    "(batch, seq)": torch.stack((torch.arange(SEQ), torch.arange(SEQ) + 5)),
}


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture
def block_weights(generator) -> dict[str, torch.Tensor]:
    return random_block_weights(D_MODEL, D_FF, generator)


@pytest.fixture
def projections(block_weights) -> dict[str, torch.Tensor]:
    """The projections of attention, under the names of the adapters' parameters."""
    return {
        f"{short}_proj_weight": block_weights[f"attn.{long}_proj.weight"]
        for short, long in (("q", "q"), ("k", "k"), ("v", "v"), ("o", "output"))
    }


@pytest.fixture
def features(generator) -> torch.Tensor:
    return torch.randn(BATCH, SEQ, D_MODEL, generator=generator)


def assert_close(actual: torch.Tensor, expected: torch.Tensor, relative: float = 1e-6) -> None:
    """Compare at a tolerance relative to the largest entry, where rounding depends on the processor."""
    atol = relative * max(1.0, expected.abs().max().item())
    torch.testing.assert_close(actual.double(), expected.double(), rtol=0, atol=atol)


def state_of(projections: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "output_proj"}
    return {f"{long}.weight": projections[f"{short}_proj_weight"] for short, long in names.items()}


def test_adapters_are_these_21_functions():
    functions = inspect.getmembers(adapters, inspect.isfunction)
    public = {name for name, f in functions if f.__module__ == adapters.__name__ and name[0] != "_"}
    assert public == set(PARAMETERS)
    assert len(public) == 21


@pytest.mark.parametrize("name", PARAMETERS)
def test_adapter_has_the_parameters_of_the_course(name):
    parameters = inspect.signature(getattr(adapters, name)).parameters
    assert " ".join(parameters) == PARAMETERS[name]
    defaults = {p.name: p.default for p in parameters.values() if p.default is not p.empty}
    assert defaults == DEFAULTS.get(name, {})


def test_adapter_run_linear(generator):
    weights = torch.randn(7, 5, generator=generator)
    x = torch.randn(2, 3, 5, generator=generator)
    actual = adapters.run_linear(d_in=5, d_out=7, weights=weights, in_features=x)
    assert_close(actual, functional.linear(x, weights))


def test_adapter_run_embedding(generator):
    weights = torch.randn(VOCAB, D_MODEL, generator=generator)
    ids = torch.randint(VOCAB, (2, 3), generator=generator)
    actual = adapters.run_embedding(vocab_size=VOCAB, d_model=D_MODEL, weights=weights, token_ids=ids)
    assert torch.equal(actual, functional.embedding(ids, weights))


def test_adapter_run_swiglu(block_weights, features):
    w1, w2, w3 = (block_weights[f"ffn.w{i}.weight"] for i in (1, 2, 3))
    actual = adapters.run_swiglu(
        d_model=D_MODEL, d_ff=D_FF, w1_weight=w1, w2_weight=w2, w3_weight=w3, in_features=features
    )
    assert_close(actual, swiglu_by_torch(features, w1, w2, w3))


@pytest.mark.parametrize("leading", [(2,), (2, 3)], ids=["3d", "4d"])
@pytest.mark.parametrize("masked", [False, True], ids=["open", "masked"])
def test_adapter_run_scaled_dot_product_attention(generator, leading, masked):
    q = torch.randn(*leading, 5, 11, generator=generator)
    k = torch.randn(*leading, 7, 11, generator=generator)
    v = torch.randn(*leading, 7, 13, generator=generator)
    mask = None
    if masked:
        mask = torch.rand(*leading, 5, 7, generator=generator) < 0.5
        mask[..., 0] = True
    expected = functional.scaled_dot_product_attention(q.double(), k.double(), v.double(), mask)
    assert_close(adapters.run_scaled_dot_product_attention(Q=q, K=k, V=v, mask=mask), expected)


def test_adapter_run_multihead_self_attention(projections, features):
    actual = adapters.run_multihead_self_attention(
        d_model=D_MODEL, num_heads=HEADS, in_features=features, **projections
    )
    assert_close(actual, attention_by_loops(features, state_of(projections), HEADS))


@pytest.mark.parametrize("max_seq_len", [18, 1009])
@pytest.mark.parametrize("name", [None, *POSITIONS])
def test_adapter_run_multihead_self_attention_with_rope(projections, features, name, max_seq_len):
    positions = None if name is None else POSITIONS[name]
    actual = adapters.run_multihead_self_attention_with_rope(
        d_model=D_MODEL,
        num_heads=HEADS,
        max_seq_len=max_seq_len,
        theta=THETA,
        in_features=features,
        token_positions=positions,
        **projections,
    )
    expected = attention_by_loops(
        features, state_of(projections), HEADS, theta=THETA, token_positions=positions
    )
    assert_close(actual, expected)


@pytest.mark.parametrize("name", POSITIONS)
def test_adapter_run_rope(features, name):
    positions = POSITIONS[name]
    actual = adapters.run_rope(
        d_k=D_MODEL, theta=THETA, max_seq_len=101, in_query_or_key=features, token_positions=positions
    )
    assert_close(actual, rope_by_complex_numbers(features.double(), positions, THETA))


def test_adapter_run_transformer_block(block_weights, features):
    actual = adapters.run_transformer_block(
        d_model=D_MODEL,
        num_heads=HEADS,
        d_ff=D_FF,
        max_seq_len=101,
        theta=THETA,
        weights=block_weights,
        in_features=features,
    )
    assert_close(actual, block_by_torch(features, block_weights, HEADS, theta=THETA))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_adapters_compute_in_the_type_of_the_weights(block_weights, features, dtype):
    weights = {name: weight.to(dtype) for name, weight in block_weights.items()}
    x, ids, tolerance = features.to(dtype), torch.arange(D_FF), 1e-10 if dtype == torch.float64 else 0.05
    w1, w2, w3 = (weights[f"ffn.w{number}.weight"] for number in (1, 2, 3))
    expected = {
        "linear": (adapters.run_linear(D_MODEL, D_FF, w1, x), x.double() @ w1.double().T),
        "embedding": (adapters.run_embedding(D_FF, D_MODEL, w1, ids), w1.double()),
        "swiglu": (adapters.run_swiglu(D_MODEL, D_FF, w1, w2, w3, x), swiglu_by_torch(x, w1, w2, w3)),
        "rmsnorm": (
            adapters.run_rmsnorm(D_MODEL, 1e-5, weights["ln1.weight"], x),
            rms_norm_by_torch(x, weights["ln1.weight"]),
        ),
        "block": (
            adapters.run_transformer_block(D_MODEL, HEADS, D_FF, 101, THETA, weights, x),
            block_by_torch(x, weights, HEADS, theta=THETA),
        ),
    }
    for name, (actual, wanted) in expected.items():
        assert actual.dtype == dtype, name
        assert_close(actual.double(), wanted.double(), relative=tolerance)


def test_adapter_run_transformer_block_in_float64(block_weights, features):
    wide = {name: weight.double() for name, weight in block_weights.items()}
    torch.set_default_dtype(torch.float64)
    try:
        actual = adapters.run_transformer_block(D_MODEL, HEADS, D_FF, 101, THETA, wide, features.double())
    finally:
        torch.set_default_dtype(torch.float32)
    assert_close(actual, block_by_torch(features, block_weights, HEADS, theta=THETA), relative=1e-10)


@pytest.mark.parametrize("seq", [CONTEXT, CONTEXT // 2])
def test_adapter_run_transformer_lm(generator, seq):
    weights = random_language_model_weights(VOCAB, D_MODEL, LAYERS, D_FF, generator)
    ids = torch.randint(VOCAB, (BATCH, seq), generator=generator)
    actual = adapters.run_transformer_lm(
        vocab_size=VOCAB,
        context_length=CONTEXT,
        d_model=D_MODEL,
        num_layers=LAYERS,
        num_heads=HEADS,
        d_ff=D_FF,
        rope_theta=THETA,
        weights=weights,
        in_indices=ids,
    )
    shape = {"num_layers": LAYERS, "num_heads": HEADS, "theta": THETA}
    assert_close(actual, language_model_by_torch(ids, weights, **shape), relative=1e-5)
    llama = llama_with_weights(weights, context_length=CONTEXT, **shape)
    assert_close(actual, llama(ids).logits, relative=1e-5)


@pytest.mark.parametrize("eps", [1e-5, 1e-2])
def test_adapter_run_rmsnorm(block_weights, features, eps):
    weights = block_weights["ln1.weight"]
    actual = adapters.run_rmsnorm(d_model=D_MODEL, eps=eps, weights=weights, in_features=features)
    assert_close(actual, rms_norm_by_torch(features, weights, eps))


def test_adapter_run_silu(features):
    assert_close(adapters.run_silu(in_features=features), functional.silu(features))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_adapter_run_softmax(features, dim):
    actual = adapters.run_softmax(in_features=features + 100, dim=dim)
    assert_close(actual, functional.softmax(features + 100, dim=dim))


def test_adapter_run_cross_entropy(generator):
    logits = torch.randn(5, VOCAB, generator=generator)
    targets = torch.randint(VOCAB, (5,), generator=generator)
    for inputs in (logits, 1000 * logits):
        actual = adapters.run_cross_entropy(inputs=inputs, targets=targets)
        torch.testing.assert_close(actual, functional.cross_entropy(inputs, targets), rtol=1e-6, atol=1e-6)


def test_adapter_run_get_batch():
    inputs, targets = adapters.run_get_batch(
        dataset=np.arange(101), batch_size=5, context_length=7, device="cpu"
    )
    assert inputs.shape == targets.shape == (5, 7)
    assert torch.equal(inputs + 1, targets)
    with pytest.raises((RuntimeError, AssertionError), match="CUDA error"):
        adapters.run_get_batch(dataset=np.arange(101), batch_size=5, context_length=7, device="cuda:99")


def test_adapter_run_gradient_clipping(generator):
    tensors = [torch.randn(shape, generator=generator) for shape in ((3, 5), (7,), (11,))]
    ours, theirs = ([torch.nn.Parameter(t.clone()) for t in tensors] for _ in range(2))
    for parameters in (ours, theirs):
        parameters[-1].requires_grad_(False)
        torch.cat([p.flatten() for p in parameters]).square().sum().backward()
    torch.nn.utils.clip_grad_norm_(theirs, 0.01)
    adapters.run_gradient_clipping(parameters=ours, max_l2_norm=0.01)
    for actual, expected in zip(ours[:-1], theirs[:-1], strict=True):
        torch.testing.assert_close(actual.grad, expected.grad, rtol=1e-6, atol=0)
    assert ours[-1].grad is None


def test_adapter_get_adamw_cls(generator):
    def optimize(cls) -> torch.Tensor:
        torch.manual_seed(42)
        model = torch.nn.Linear(3, 2, bias=False)
        optimizer = cls(model.parameters(), lr=1e-3, weight_decay=0.01, betas=(0.9, 0.999), eps=1e-8)
        for _ in range(1000):
            x = torch.rand(3)
            optimizer.zero_grad()
            (torch.tensor([x[0] + x[1], -x[2]]) - model(x)).square().sum().backward()
            optimizer.step()
        return model.weight.detach()

    assert adapters.get_adamw_cls() is AdamW
    assert issubclass(adapters.get_adamw_cls(), torch.optim.Optimizer)
    assert_close(optimize(adapters.get_adamw_cls()), optimize(torch.optim.AdamW))


def test_adapter_run_get_lr_cosine_schedule():
    rates = [
        adapters.run_get_lr_cosine_schedule(
            it=it,
            max_learning_rate=1.0,
            min_learning_rate=0.1,
            warmup_iters=7,
            cosine_cycle_iters=21,
        )
        for it in (0, 7, 14, 21, 25)
    ]
    assert rates == pytest.approx([0.0, 1.0, 0.55, 0.1, 0.1])


def test_adapter_run_save_and_load_checkpoint(tmp_path):
    def model_and_optimizer():
        model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 7))
        cls: Any = adapters.get_adamw_cls()
        return model, cls(model.parameters(), lr=1e-3, weight_decay=0.01, betas=(0.9, 0.999), eps=1e-8)

    model, optimizer = model_and_optimizer()
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.rand(2, 3)).square().sum().backward()
        optimizer.step()
    path = tmp_path / "checkpoint.pt"
    adapters.run_save_checkpoint(model=model, optimizer=optimizer, iteration=5, out=path)
    other, other_optimizer = model_and_optimizer()
    assert adapters.run_load_checkpoint(src=path, model=other, optimizer=other_optimizer) == 5
    for name, weight in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], weight)
    ours, theirs = optimizer.state_dict(), other_optimizer.state_dict()
    assert theirs["param_groups"] == ours["param_groups"]
    for index, state in ours["state"].items():
        for key, value in state.items():
            restored = theirs["state"][index][key]
            assert torch.equal(torch.as_tensor(restored), torch.as_tensor(value))


def test_adapter_get_tokenizer(tmp_path):
    vocab = {0: b"<|endoftext|>"} | {1 + byte: bytes([byte]) for byte in range(256)}
    vocab |= {257: b"th", 258: b" c", 259: b"the"}
    merges = [(b"t", b"h"), (b" ", b"c"), (b"th", b"e")]
    tokenizer = adapters.get_tokenizer(vocab=vocab, merges=merges, special_tokens=["<|endoftext|>"])
    text = "the cat<|endoftext|>\n\nthé 🙃"
    ids = tokenizer.encode(text)
    assert ids[:4] == [259, 258, 1 + ord("a"), 1 + ord("t")]
    assert ids[4] == 0
    assert tokenizer.decode(ids) == text
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        assert list(tokenizer.encode_iterable(file)) == ids
    without = adapters.get_tokenizer(vocab=vocab, merges=merges)
    assert 0 not in without.encode(text)


def test_adapter_run_train_bpe(tmp_path):
    path = tmp_path / "corpus.txt"
    words = {"low": 5, "lower": 2, "widest": 3, "newest": 6}  # the example of Sennrich et al. 2016
    path.write_text("<|endoftext|>".join(" ".join([w] * n) for w, n in words.items()), encoding="utf-8")
    vocab, merges = adapters.run_train_bpe(
        input_path=path, vocab_size=256 + 1 + 4, special_tokens=["<|endoftext|>"]
    )
    assert len(vocab) == 261
    assert b"<|endoftext|>" in vocab.values()
    assert all(b"<|" not in left + right for left, right in merges)
    assert merges[:2] == [(b"s", b"t"), (b"e", b"st")]
    assert math.prod(len(pair) for pair in merges) == 2 ** len(merges)
