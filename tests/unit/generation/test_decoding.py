"""Generation with the cache gives the tokens of the definition, one prompt or many, whole or as they come."""

import numpy as np
import pytest
import torch

from cs336_basics import ModelConfig, TransformerLM, generate
from cs336_basics.functional.packed_product import packed_product
from cs336_basics.generation.decoding import stream_tokens
from cs336_basics.generation.plain_decoding import generate_plainly
from tests.unit.functional.test_packed_product import needs_packing
from tests.unit.generation.models import CONTEXT, PROMPTS, VOCAB, decided_model

SETTINGS = {
    "greedy": {"temperature": 0},
    "sampled": {"temperature": 2.0, "top_p": 0.8},
}


@pytest.fixture
def model() -> TransformerLM:
    return decided_model()


def seeded(settings: dict) -> dict:
    return {**settings, "generator": torch.Generator().manual_seed(5)}


@pytest.mark.without_type_checks
@pytest.mark.parametrize("overflow", ["recompute", "half"])
@pytest.mark.parametrize("max_new_tokens", [CONTEXT - 1, 17])
@pytest.mark.parametrize("name", SETTINGS)
def test_generate_gives_the_tokens_of_the_definition(model, name, max_new_tokens, overflow):
    settings = {**SETTINGS[name], "overflow": overflow}
    for prompts in ([PROMPTS[0]], [PROMPTS[3]], PROMPTS):
        expected = generate_plainly(model, prompts, max_new_tokens, **seeded(settings))
        assert generate(model, prompts, max_new_tokens, **seeded(settings)) == expected
        if len(prompts) == 1:
            assert generate(model, prompts[0], max_new_tokens, **seeded(settings)) == expected[0]
            assert list(stream_tokens(model, prompts[0], max_new_tokens, **seeded(settings))) == expected[0]


@pytest.mark.without_type_checks
@pytest.mark.parametrize("overflow", ["recompute", "half"])
@pytest.mark.parametrize("name", SETTINGS)
def test_generate_stops_rows_as_the_definition_does(model, name, overflow):
    settings = {**SETTINGS[name], "overflow": overflow}
    lengths = set()
    for stop in (3, 13, 21):
        expected = generate_plainly(model, PROMPTS, 17, stop_token_id=stop, **seeded(settings))
        assert generate(model, PROMPTS, 17, stop_token_id=stop, **seeded(settings)) == expected
        lengths |= {len(ids) for ids in expected}
    assert len(lengths) > 2


@pytest.mark.parametrize("context_length", [1, 2, 3])
@pytest.mark.parametrize("overflow", ["recompute", "half"])
def test_generate_in_the_shortest_contexts(context_length, overflow):
    model = decided_model(context_length)
    expected = generate_plainly(model, PROMPTS, 9, temperature=0, overflow=overflow)
    assert generate(model, PROMPTS, 9, temperature=0, overflow=overflow) == expected


@needs_packing
@pytest.mark.without_type_checks
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("overflow", ["recompute", "half"])
def test_generate_gives_the_tokens_of_the_definition_by_packed_weights(monkeypatch, overflow, tied):
    packed = []
    monkeypatch.setattr(
        "cs336_basics.functional.linear.packed_product",
        lambda x, weight: packed.append(x.shape) or packed_product(x, weight),
    )
    torch.manual_seed(7)
    config = ModelConfig(
        vocab_size=359,
        context_length=11,
        d_model=368,
        num_layers=1,
        num_heads=2,
        d_ff=367,
        tie_embeddings=tied,
    )
    model = TransformerLM.from_config(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(5)
    prompts = [*PROMPTS, [9]]
    expected = generate_plainly(model, prompts, 17, temperature=0, overflow=overflow)
    assert not packed
    assert generate(model, prompts, 17, temperature=0, overflow=overflow) == expected
    assert len(packed) >= 17 * 8  # four products of attention, three of the feed-forward network, the head
    packed.clear()
    generate(model, prompts[1:], 16)
    generate(model, prompts, 15)
    with torch.autocast("cpu", torch.bfloat16):
        generate(model, prompts, 16)
    assert not packed
    generate(model, prompts, 16)
    assert packed


@pytest.mark.parametrize("as_array", [torch.tensor, np.array], ids=["tensor", "array"])
def test_prompts_may_be_tensors_or_arrays(model, as_array):
    for prompts in ([1, 4, 1], [[1], [2]], [[1, 4, 1], [2, 6, 5]]):
        expected = generate(model, prompts, 5, temperature=0)
        assert generate(model, as_array(prompts), 5, temperature=0) == expected
    rows = [as_array(prompt) for prompt in PROMPTS]
    assert generate(model, rows, 5, temperature=0) == generate(model, PROMPTS, 5, temperature=0)
    assert generate_plainly(model, rows, 5, temperature=0) == generate(model, PROMPTS, 5, temperature=0)
    alone = list(stream_tokens(model, rows[1], 5, temperature=0))
    assert alone == generate(model, PROMPTS[1], 5, temperature=0)


@pytest.mark.parametrize(
    "prompt",
    ["abc", torch.tensor([1.5, 2.0]), torch.ones(1, 2, 3), [[1], 2], [True]],
    ids=str,
)
def test_what_is_no_row_of_ids_is_refused(model, prompt):
    with pytest.raises(ValueError, match="a prompt must be a row of token ids but is"):
        generate(model, prompt, 3)


def test_several_prompts_are_not_streamed(model):
    with pytest.raises(ValueError, match="one prompt but was given a batch of 2; take generate"):
        stream_tokens(model, [[1], [2]], 3)  # pyright: ignore[reportArgumentType]


def test_generate_of_a_batch_equals_one_prompt_after_another(model):
    alone = [generate(model, prompt, 13, temperature=0) for prompt in PROMPTS]
    assert generate(model, PROMPTS, 13, temperature=0) == alone


def test_stream_yields_a_token_before_the_next_is_computed(model):
    calls = []
    model.lm_head.register_forward_pre_hook(lambda *_: calls.append(1))
    tokens = stream_tokens(model, [1, 4], 5, temperature=0)
    assert calls == []
    next(tokens)
    assert len(calls) == 1
    next(tokens)
    assert len(calls) == 2
    assert len(list(tokens)) == 3
    assert len(calls) == 5


def test_stream_leaves_out_the_stop_token(model):
    ids = generate(model, [1, 4, 1], 13, temperature=0)
    assert list(stream_tokens(model, [1, 4, 1], 13, temperature=0, stop_token_id=ids[0])) == []


def test_between_two_tokens_of_a_stream_the_caller_may_train(model):
    tokens = stream_tokens(model, [1, 4], 5)
    next(tokens)
    model(torch.tensor([1, 2])).sum().backward()
    assert model.lm_head.weight.grad is not None
    next(tokens)


@pytest.mark.parametrize(
    ("prompt", "settings", "message"),
    [([1], {"top_p": 0.0}, "top_p"), ([], {}, "empty")],
)
def test_stream_refuses_what_makes_no_sense_before_the_first_token_is_asked_for(
    model, prompt, settings, message
):
    with pytest.raises(ValueError, match=message):
        stream_tokens(model, prompt, 3, **settings)


def test_generate_returns_new_ids_without_the_stop_token(model):
    ids = generate(model, [1, 4, 1], 13, temperature=0)
    assert len(ids) == 13
    stop = ids[0]
    assert generate(model, [1, 4, 1], 13, temperature=0, stop_token_id=stop) == []


def test_generate_goes_on_after_a_prompt_that_ends_with_the_stop_token(model):
    expected = generate(model, [1, 4], 3, temperature=0)
    stop = 4
    assert stop not in expected
    assert generate(model, [1, 4], 3, temperature=0, stop_token_id=stop) == expected


def test_generate_of_no_new_tokens_is_empty(model):
    assert generate(model, [1, 4], 0) == []
    assert generate(model, [[1], [4]], 0) == [[], []]


def test_generate_leaves_the_prompt_as_it_was(model):
    prompts = [list(prompt) for prompt in PROMPTS]
    generate(model, prompts, 3)
    assert prompts == PROMPTS


def test_generate_accepts_tuples_and_ranges(model):
    expected = generate(model, [1, 2, 3], 5, temperature=0)
    assert generate(model, (1, 2, 3), 5, temperature=0) == expected
    assert generate(model, range(1, 4), 5, temperature=0) == expected
    assert generate(model, [(1, 2, 3)], 5, temperature=0) == [expected]


def test_generate_follows_its_generator(model):
    def draw(seed: int) -> list[int]:
        return generate(model, [1, 4], 11, generator=torch.Generator().manual_seed(seed))

    assert draw(7) == draw(7)
    assert draw(7) != draw(11)


@pytest.mark.parametrize("settings", [{"temperature": 1e-6}, {"top_p": 1e-6}, {"temperature": 1e-50}])
def test_generate_in_the_limit_takes_the_likeliest_token(model, settings):
    assert generate(model, [1, 4], 11, **settings) == generate(model, [1, 4], 11, temperature=0)


def test_generate_at_a_high_temperature_reaches_the_whole_vocabulary(model):
    batch = generate(model, [[1]] * 100, 5, temperature=1e9)
    assert {id for ids in batch for id in ids} == set(range(VOCAB))


def test_generate_keeps_no_graph(model):
    generate(model, [1, 4], 3)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -0.5}, r"at least 0 but is -0\.5; 0 takes"),
        ({"temperature": float("nan")}, "at least 0 but is nan; 0 takes"),
        ({"top_p": 0.0}, r"top_p must lie in \(0, 1\] but is 0\.0; 1 keeps"),
        ({"top_p": 1.5}, r"top_p must lie in \(0, 1\] but is 1\.5; 1 keeps"),
        ({"top_p": float("nan")}, r"top_p must lie in \(0, 1\] but is nan; 1 keeps"),
        ({"max_new_tokens": -1}, "must not be negative but is -1"),
    ],
)
def test_generate_refuses_settings_that_make_no_sense(model, settings, message):
    with pytest.raises(ValueError, match=message):
        generate(model, [1, 4], **({"max_new_tokens": 3} | settings))


@pytest.mark.parametrize("function", [generate, stream_tokens])
def test_an_unknown_rule_for_overflow_is_refused(model, function):
    with pytest.raises(ValueError, match="one of recompute, half but is 'slide'"):
        function(model, [1], 3, overflow="slide")


@pytest.mark.parametrize("prompts", [[], [[]], [[1], []]], ids=str)
def test_generate_refuses_an_empty_prompt(model, prompts):
    with pytest.raises(ValueError, match="at least one token but is empty"):
        generate(model, prompts, 3)


@pytest.mark.parametrize("wrong", [-1, VOCAB, 10**23])
def test_generate_names_an_id_outside_the_vocabulary(model, wrong):
    with pytest.raises(IndexError, match=rf"vocabulary of 31 but got {wrong};"):
        generate(model, [[1], [1, wrong, 4]], 3)
