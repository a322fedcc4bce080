import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from cs336_basics import EvaluationResult, TransformerLM, evaluate

VOCAB, CONTEXT = 31, 7


def peaked_model() -> TransformerLM:
    model = TransformerLM(VOCAB, CONTEXT, 28, 2, 2, 11)
    with torch.no_grad():
        model.lm_head.weight.mul_(5)
    return model


def dataset(length: int) -> np.ndarray:
    return np.random.default_rng(7).integers(VOCAB, size=length).astype(np.uint16)


def nats_token_by_token(model: TransformerLM, ids: np.ndarray, context_length: int) -> list[float]:
    """Score each token given those before it in its window; windows start every `context_length` tokens."""
    nats = [math.log(VOCAB)]
    for place in range(1, len(ids)):
        start = (place - 1) // context_length * context_length
        logits = model(torch.from_numpy(ids[start:place].astype(np.int64)))[-1]
        nats.append(-functional.log_softmax(logits.double(), dim=-1)[int(ids[place])].item())
    return nats


@pytest.mark.without_type_checks
@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 14, 15, 29, 43])
@pytest.mark.parametrize("context_length", [3, 7])
def test_evaluate_equals_the_definition_token_by_token(length, context_length):
    model, ids = peaked_model(), dataset(length)
    result = evaluate(model, ids, batch_size=2, context_length=context_length, device="cpu")
    expected = nats_token_by_token(model, ids, context_length)
    assert result.num_tokens == length
    assert result.total_nats == pytest.approx(sum(expected), rel=1e-6)
    assert result.loss == pytest.approx(sum(expected) / length, rel=1e-6)


def test_evaluate_does_not_depend_on_the_batch_size():
    model, ids = peaked_model(), dataset(101)
    results = [
        evaluate(model, ids, batch_size=batch_size, context_length=CONTEXT, device="cpu").total_nats
        for batch_size in (1, 2, 3, 13, 1000)
    ]
    assert results == pytest.approx([results[0]] * 5, rel=1e-6)


def test_evaluate_gives_the_same_numbers_at_each_call():
    model, ids = peaked_model(), dataset(53)
    first, second = (
        evaluate(model, ids, batch_size=3, context_length=CONTEXT, device="cpu") for _ in range(2)
    )
    assert first == second


def test_evaluate_scores_the_first_token_at_the_logarithm_of_the_vocabulary():
    result = evaluate(peaked_model(), dataset(1), batch_size=2, context_length=CONTEXT, device="cpu")
    assert result == EvaluationResult(total_nats=math.log(VOCAB), num_tokens=1)


def test_a_perplexity_that_no_float_can_hold_is_infinite():
    assert EvaluationResult(total_nats=7100.0, num_tokens=10).perplexity == math.inf


def test_evaluate_of_a_uniform_model_gives_the_size_of_the_vocabulary():
    model = peaked_model()
    torch.nn.init.zeros_(model.lm_head.weight)
    result = evaluate(model, dataset(53), batch_size=3, context_length=CONTEXT, device="cpu")
    assert result.loss == pytest.approx(math.log(VOCAB), rel=1e-6)
    assert result.perplexity == pytest.approx(VOCAB, rel=1e-5)
    assert result.bits_per_byte(53) == pytest.approx(math.log2(VOCAB), rel=1e-6)


def test_evaluate_leaves_no_gradient_and_no_change():
    model = peaked_model()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    evaluate(model, dataset(29), batch_size=2, context_length=CONTEXT, device="cpu")
    for name, weight in model.named_parameters():
        assert weight.grad is None
        assert torch.equal(weight, before[name])


def test_evaluate_reads_a_memory_map(tmp_path):
    np.save(tmp_path / "ids.npy", dataset(29))
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r")
    model = peaked_model()
    settings = {"batch_size": 2, "context_length": CONTEXT, "device": "cpu"}
    assert evaluate(model, mapped, **settings) == evaluate(model, dataset(29), **settings)


def test_bits_per_byte_by_hand():
    result = EvaluationResult(total_nats=16 * math.log(2), num_tokens=5)
    assert result.bits_per_byte(8) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("length", "batch_size", "context_length", "message"),
    [
        (0, 2, 7, "at least one token"),
        (29, 0, 7, "at least 1 but are 0 and 7"),
        (29, -1, 7, "at least 1 but are -1 and 7"),
        (29, 2, 0, "at least 1 but are 2 and 0"),
        (29, 2, 11, "context_length = 7 tokens but has 11"),
    ],
)
def test_evaluate_refuses_settings_that_would_score_nothing(length, batch_size, context_length, message):
    with pytest.raises(ValueError, match=message):
        evaluate(
            peaked_model(),
            dataset(length),
            batch_size=batch_size,
            context_length=context_length,
            device="cpu",
        )


@pytest.mark.without_type_checks
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 29])
@pytest.mark.parametrize("stride", [1, 2, 5, 6, 7])
def test_with_a_stride_each_window_scores_its_last_tokens(length, stride):
    model, ids = peaked_model(), dataset(length)
    settings = {"batch_size": 2, "context_length": CONTEXT, "device": "cpu"}
    result = evaluate(model, ids, stride=stride, **settings)
    nats = [math.log(VOCAB)]
    for place in range(1, length):
        start = 0
        while place > start + CONTEXT:  # until the token is a target of the window
            start += stride
        assert place - start >= min(place, CONTEXT - stride + 1)
        logits = model(torch.from_numpy(ids[start:place].astype(np.int64)))[-1]
        nats.append(-functional.log_softmax(logits.double(), dim=-1)[int(ids[place])].item())
    assert result.num_tokens == length
    assert result.total_nats == pytest.approx(sum(nats), rel=1e-6)
    if stride == CONTEXT:
        assert result == evaluate(model, ids, **settings)


@pytest.mark.parametrize("stride", [0, -1, 8])
def test_a_stride_that_would_leave_tokens_out_is_refused(stride):
    with pytest.raises(ValueError, match=rf"1\.\.7, the context length, but is {stride};"):
        evaluate(
            peaked_model(), dataset(29), batch_size=2, context_length=CONTEXT, device="cpu", stride=stride
        )


@pytest.mark.parametrize("tokens", [np.full(20, 3.7), np.zeros((4, 5), dtype=np.uint16)], ids=["float", "2d"])
def test_what_is_no_row_of_token_ids_is_refused(tokens):
    with pytest.raises(ValueError, match="a dataset must be one axis of integers"):
        evaluate(peaked_model(), tokens, batch_size=2, context_length=7, device="cpu")


@pytest.mark.parametrize("place", [0, 3, -1])
def test_an_id_beyond_the_vocabulary_is_refused_wherever_it_is(place):
    tokens = np.arange(9, dtype=np.uint16)
    tokens[place] = VOCAB
    with pytest.raises(IndexError, match=f"token ids must lie in .* but got {VOCAB}"):
        evaluate(peaked_model(), tokens, batch_size=2, context_length=7, device="cpu")
