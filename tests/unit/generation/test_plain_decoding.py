"""The definition, against loops that are plainer still."""

import pytest
import torch

from cs336_basics.generation.plain_decoding import generate_plainly, next_token_logits, pad_right
from tests.unit.generation.models import CONTEXT, PROMPTS, VOCAB, decided_model


@pytest.fixture
def model():
    return decided_model()


@torch.no_grad()
def greedy_by_definition(model, prompt: list[int], max_new_tokens: int) -> list[int]:
    text = list(prompt)
    for _ in range(max_new_tokens):
        text.append(int(model(torch.tensor(text[-CONTEXT:]))[-1].argmax()))
    return text[len(prompt) :]


@torch.no_grad()
def greedy_by_halves(model, prompt: list[int], max_new_tokens: int) -> list[int]:
    """Where the window begins moves up, to 3 tokens before the end, whenever more than 7 would be in it."""
    text, begin = list(prompt), 0
    for _ in range(max_new_tokens):
        if len(text) - begin > 7:
            begin = len(text) - 3
        text.append(int(model(torch.tensor(text[begin:]))[-1].argmax()))
    return text[len(prompt) :]


@pytest.mark.parametrize("prompt", PROMPTS, ids=len)
@pytest.mark.parametrize("max_new_tokens", [1, 11])
def test_recomputing_shows_the_model_the_last_context_length_tokens(model, prompt, max_new_tokens):
    expected = greedy_by_definition(model, prompt, max_new_tokens)
    assert generate_plainly(model, [prompt], max_new_tokens, temperature=0) == [expected]


@pytest.mark.parametrize("prompt", PROMPTS, ids=len)
def test_halving_moves_the_beginning_of_the_window_up_now_and_then(model, prompt):
    expected = greedy_by_halves(model, prompt, 23)
    assert generate_plainly(model, [prompt], 23, temperature=0, overflow="half") == [expected]


def test_the_rules_differ_beyond_the_context_length_and_only_there(model):
    recomputed, halved = (
        generate_plainly(model, [[3, 1]], 23, temperature=0, overflow=overflow)[0]
        for overflow in ("recompute", "half")
    )
    assert recomputed[: CONTEXT - 1] == halved[: CONTEXT - 1]
    assert recomputed != halved


def test_the_whole_window_decides(model):
    # Without this the comparisons above could pass for a model that looks at the last token only.
    prompts = [[*other, 3] for other in ([], [1], [2], [4, 9])]
    after_3 = {tuple(ids) for ids in generate_plainly(model, prompts, 5, temperature=0)}
    assert len(after_3) > 1


def test_a_batch_is_continued_as_its_prompts_are(model):
    alone = [generate_plainly(model, [prompt], 13, temperature=0)[0] for prompt in PROMPTS]
    assert generate_plainly(model, PROMPTS, 13, temperature=0) == alone


def test_a_stop_token_ends_its_row_and_is_left_out(model):
    alone = [generate_plainly(model, [prompt], 13, temperature=0)[0] for prompt in PROMPTS]
    stop = alone[1][2]
    cut = [ids[: ids.index(stop)] if stop in ids else ids for ids in alone]
    assert len({len(ids) for ids in cut}) > 1
    assert generate_plainly(model, PROMPTS, 13, temperature=0, stop_token_id=stop) == cut


def test_draws_follow_the_generator_row_after_row(model):
    logits = next_token_logits(model, PROMPTS[:3])
    points = 1 - torch.rand(3, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    ends = logits.double().softmax(-1).cumsum(-1)
    first = (ends < points).sum(-1, keepdim=True)
    drawn = generate_plainly(model, PROMPTS[:3], 1, generator=torch.Generator().manual_seed(3))
    assert drawn == first.tolist()


def test_pad_right_fills_up_with_zeros():
    assert pad_right([[1], [2, 3, 4], [5, 6]]).tolist() == [[1, 0, 0], [2, 3, 4], [5, 6, 0]]


def test_next_token_logits_are_those_behind_the_last_token_of_each_window(model):
    windows = [[1], [2, 3, 4], [5, 6]]
    logits = next_token_logits(model, windows)
    assert logits.shape == (3, VOCAB)
    for row, window in zip(logits, windows, strict=True):
        torch.testing.assert_close(row, model(torch.tensor(window))[-1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("prompts", "settings", "message"),
    [
        ([[1], []], {}, "at least one token but is empty"),
        ([[1]], {"temperature": -1.0}, "temperature must be at least 0"),
        ([[1]], {"top_p": 0.0}, "top_p must lie in"),
        ([[1]], {"max_new_tokens": -1}, "max_new_tokens must not be negative"),
    ],
)
def test_the_definition_refuses_what_generate_refuses(model, prompts, settings, message):
    with pytest.raises(ValueError, match=message):
        generate_plainly(model, prompts, **({"max_new_tokens": 3} | settings))
