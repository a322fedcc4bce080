import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cs336_basics.generation.sampling import (
    TRIALS,
    draw,
    draw_from_nucleus,
    in_nucleus,
    keep_top_p,
    next_token_probabilities,
    sample_token,
)

VOCAB = 7


@st.composite
def dyadic_distributions(draw) -> list[float]:
    """Probabilities that are multiples of 1/64, so that every partial sum is exact in float32."""
    cuts = sorted(draw(st.lists(st.integers(0, 64), min_size=VOCAB - 1, max_size=VOCAB - 1)))
    return [(high - low) / 64 for low, high in zip([0, *cuts], [*cuts, 64], strict=True)]


def smallest_set_by_definition(probabilities: list[float], top_p: float) -> set[int]:
    """Take tokens from the likeliest on, the lower id first among equals, until the mass reaches top_p."""
    chosen, mass = set(), 0.0
    for token in sorted(range(len(probabilities)), key=lambda token: (-probabilities[token], token)):
        if mass >= top_p:
            break
        chosen.add(token)
        mass += probabilities[token]
    return chosen


@settings(derandomize=True, deadline=None, max_examples=200)
@given(dyadic_distributions(), st.integers(1, 63))
def test_keep_top_p_keeps_the_smallest_set_and_rescales_it(probabilities, sixty_fourths):
    top_p = sixty_fourths / 64
    kept = keep_top_p(torch.tensor([probabilities]), top_p)[0]
    chosen = smallest_set_by_definition(probabilities, top_p)
    mass = sum(probabilities[token] for token in chosen)
    expected = [p / mass if token in chosen else 0.0 for token, p in enumerate(probabilities)]
    assert kept.tolist() == pytest.approx(expected, abs=1e-6)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(dyadic_distributions(), st.integers(1, 63))
def test_in_nucleus_is_where_keep_top_p_keeps(probabilities, sixty_fourths):
    rows = torch.tensor(probabilities).expand(VOCAB, VOCAB)
    inside = in_nucleus(rows, torch.arange(VOCAB), sixty_fourths / 64)
    chosen = smallest_set_by_definition(probabilities, sixty_fourths / 64)
    assert {token for token in range(VOCAB) if inside[token]} == chosen


def test_nucleus_that_is_hardly_ever_hit_is_drawn_from_all_the_same():
    vocab, rows = 1009, 997  # each trial hits with a chance of 3 in 1009
    probabilities = torch.full((rows, vocab), 1 / vocab)
    tokens = draw_from_nucleus(probabilities, 2.5 / vocab, generator=torch.Generator().manual_seed(5))
    counts = torch.bincount(tokens, minlength=vocab)
    assert TRIALS * 3 / vocab < 0.1
    assert counts[3:].sum() == 0
    assert counts[:3].min() > 270  # of 332 expected


@pytest.mark.parametrize("device_dtype", [torch.float32, torch.float64], ids=str)
def test_draw_lands_on_the_token_in_whose_part_the_point_lies(device_dtype):
    probabilities = torch.tensor([[0.0, 0.25, 0.0, 0.5, 0.25, 0.0]], dtype=device_dtype).expand(5003, 6)
    tokens = draw(probabilities, generator=torch.Generator().manual_seed(3))
    points = 1 - torch.rand(5003, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = torch.where(points <= 0.25, 1, torch.where(points <= 0.75, 3, 4)).squeeze(-1)
    assert torch.equal(tokens, expected)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_taking_a_token_by_logits_that_are_no_numbers_is_refused(temperature, bad):
    logits = torch.randn(2, VOCAB)
    logits[1] = bad
    with pytest.raises(ValueError, match="logits must be finite to take a token"):
        sample_token(logits, temperature=temperature, top_p=0.9)


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (0.7, [0.625, 0.375, 0.0]),
        (0.5, [1.0, 0.0, 0.0]),
        (1e-9, [1.0, 0.0, 0.0]),
        (0.81, [0.5, 0.3, 0.2]),
        (1.0, [0.5, 0.3, 0.2]),
    ],
)
def test_keep_top_p_by_hand(top_p, expected):
    assert keep_top_p(torch.tensor([[0.5, 0.3, 0.2]]), top_p)[0].tolist() == pytest.approx(expected)


def test_keep_top_p_treats_each_row_on_its_own():
    rows = torch.tensor([[0.2, 0.5, 0.3], [0.9, 0.06, 0.04]])
    kept = keep_top_p(rows, 0.7)
    torch.testing.assert_close(kept, torch.tensor([[0.0, 0.625, 0.375], [1.0, 0.0, 0.0]]))


@pytest.mark.parametrize("temperature", [0.1, 0.7, 1.0, 3.0])
def test_next_token_probabilities_are_the_softmax_of_logits_over_temperature(temperature):
    logits = torch.randn(3, VOCAB)
    expected = functional.softmax(logits / temperature, dim=-1)
    actual = next_token_probabilities(logits, temperature=temperature)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-38, 1e-45, 1e-300])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_next_token_probabilities_of_a_tiny_temperature_choose_the_likeliest(temperature, dtype):
    logits = torch.tensor([[1.0, 4.0, -2.0], [50.0, -1e4, 1e4]], dtype=dtype)
    probabilities = next_token_probabilities(logits, temperature=temperature)
    assert probabilities.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize("temperature", [1e30, math.inf])
def test_next_token_probabilities_of_a_huge_temperature_are_uniform(temperature):
    logits = torch.tensor([[1.0, 4.0, -2.0, 1e4]])
    probabilities = next_token_probabilities(logits, temperature=temperature)
    assert probabilities[0].tolist() == pytest.approx([0.25] * 4)


def test_next_token_probabilities_of_bfloat16_are_float32():
    logits = torch.randn(3, VOCAB).bfloat16()
    probabilities = next_token_probabilities(logits, temperature=1.0)
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities, functional.softmax(logits.float(), dim=-1))


@pytest.mark.parametrize("top_p", [0.05, 0.3, 0.6, 0.9, 1.0])
def test_sample_token_follows_the_probabilities(top_p):
    logits = torch.tensor([0.3, -1.0, 0.5, 0.0, 1.5, -0.5, 0.9])
    draws = 20_000
    tokens = sample_token(
        logits.expand(draws, VOCAB),
        temperature=0.8,
        top_p=top_p,
        generator=torch.Generator().manual_seed(7),
    )
    counts = torch.bincount(tokens, minlength=VOCAB).double()
    probabilities = keep_top_p(next_token_probabilities(logits[None], temperature=0.8), top_p)
    expected = draws * probabilities[0].double()
    possible = expected > 0
    assert torch.equal(counts > 0, possible)
    degrees = int(possible.sum()) - 1
    chi_square = ((counts - expected)[possible] ** 2 / expected[possible]).sum().item()
    assert chi_square <= [0, 16, 19, 22, 24, 26, 30][degrees]  # about the 99.99th percentiles


def test_sample_token_at_temperature_0_is_the_argmax_and_draws_nothing():
    logits = torch.randn(13, VOCAB)
    source = torch.Generator().manual_seed(7)
    before = source.get_state()
    tokens = sample_token(logits, temperature=0, top_p=0.5, generator=source)
    assert torch.equal(tokens, logits.argmax(dim=-1))
    assert torch.equal(source.get_state(), before)


def test_sample_token_follows_its_generator():
    logits = torch.zeros(101, VOCAB)

    def draw(seed: int) -> torch.Tensor:
        return sample_token(logits, temperature=1.0, top_p=1.0, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(draw(7), draw(7))
    assert not torch.equal(draw(7), draw(11))


@pytest.mark.parametrize("top_p", [1e-46, 1e-300, 1e-38])
def test_a_nucleus_of_next_to_nothing_is_the_likeliest_token(top_p):
    logits = torch.tensor([[0.0, 2.0, 1.0]])
    probabilities = logits.softmax(dim=-1)
    assert keep_top_p(probabilities, top_p).tolist() == [[0, 1, 0]]
    assert sample_token(logits, temperature=1.0, top_p=top_p).tolist() == [1]
