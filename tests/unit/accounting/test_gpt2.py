"""The course's questions about GPT-2, answered by hand: formulas of the whole model, not of its parts."""

import pytest

from cs336_basics.accounting import (
    MODELS,
    Batch,
    activation_bytes,
    count_parameters,
    flops_shares,
    forward_flops,
    textbook_activations,
    textbook_largest_batch,
    textbook_memory,
    training_seconds,
)

VOCAB = 50_257
SHAPES = {  # layers, d_model, heads, d_ff
    "gpt2-small": (12, 768, 12, 2048),
    "gpt2-small-wide": (12, 768, 12, 3072),
    "gpt2-medium": (24, 1024, 16, 2752),
    "gpt2-medium-wide": (24, 1024, 16, 4096),
    "gpt2-large": (36, 1280, 20, 3392),
    "gpt2-large-wide": (36, 1280, 20, 5120),
    "gpt2-xl": (48, 1600, 25, 4288),
    "gpt2-xl-wide": (48, 1600, 25, 6400),
}
NUMBERS = {  # parameters and operations of a forward pass over 1,024 tokens
    "gpt2-xl": (1_640_452_800, 3_516_769_894_400),
    "gpt2-xl-wide": (2_127_057_600, 4_513_336_524_800),
}


def flops_by_hand(layers: int, d_model: int, d_ff: int, seq: int) -> int:
    of_a_layer = 8 * seq * d_model**2 + 4 * seq**2 * d_model + 6 * seq * d_model * d_ff
    return layers * of_a_layer + 2 * seq * d_model * VOCAB


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_and_flops(name):
    layers, d_model, heads, d_ff = SHAPES[name]
    model = MODELS[name]
    assert (model.num_heads, model.feed_forward_size) == (heads, d_ff)
    of_a_layer = 4 * d_model**2 + 3 * d_model * d_ff + 2 * d_model
    assert count_parameters(model) == layers * of_a_layer + 2 * VOCAB * d_model + d_model
    assert forward_flops(model, Batch(seq=1024)) == flops_by_hand(layers, d_model, d_ff, 1024)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_the_largest(name):
    assert (count_parameters(MODELS[name]), forward_flops(MODELS[name], Batch(seq=1024))) == NUMBERS[name]


def test_the_feed_forward_network_takes_most_and_more_of_it_in_larger_models():
    shares = [
        sum(
            share
            for name, share in flops_shares(MODELS[size], Batch(seq=1024)).items()
            if name.startswith("feed-forward")
        )
        for size in ("gpt2-small-wide", "gpt2-medium-wide", "gpt2-large-wide", "gpt2-xl-wide")
    ]
    assert shares == sorted(shares)
    assert shares == pytest.approx([0.498, 0.599, 0.642, 0.669], abs=0.001)


def test_with_a_long_context_attention_between_positions_takes_most():
    long = Batch(seq=16_384)
    model = MODELS["gpt2-xl-wide-16k"]
    assert forward_flops(model, long) == flops_by_hand(48, 1600, 6400, 16_384) == 149_522_795_724_800
    shares = flops_shares(model, long)
    assert shares["attention: scores"] + shares["attention: weighted sum"] == pytest.approx(0.5515, abs=1e-4)
    assert forward_flops(MODELS["gpt2-xl-16k"], long) == flops_by_hand(48, 1600, 4288, 16_384)


@pytest.mark.parametrize(("name", "largest"), [("gpt2-xl", 3), ("gpt2-xl-wide", 2)])
def test_memory_on_paper_and_the_largest_batch_in_80_gigabytes(name, largest):
    layers, d_model, heads, d_ff = SHAPES[name]
    of_a_layer = 1024 * (8 * d_model + 4 * d_ff) + 2 * heads * 1024**2
    numbers = layers * of_a_layer + 1024 * d_model + 2 * 1024 * VOCAB
    assert sum(textbook_activations(MODELS[name], Batch(seq=1024)).values()) == numbers
    assert textbook_memory(MODELS[name], Batch(seq=1024)) == (
        4 * numbers,
        16 * count_parameters(MODELS[name]),
    )
    assert textbook_largest_batch(MODELS[name], Batch(seq=1024), 80e9) == largest
    assert textbook_largest_batch(MODELS[name], Batch(seq=1024), 1e9) == 0


def test_days_on_an_a100_and_hours_on_an_h100():
    batch = Batch(batch_size=1024, seq=1024)
    a100 = training_seconds(MODELS["gpt2-xl-wide"], batch, steps=400_000, peak_flops=19.5e12)
    h100 = training_seconds(MODELS["gpt2-xl"], batch, steps=400_000, peak_flops=495e12)
    assert a100 / 86_400 == pytest.approx(6583.6, abs=0.1)
    assert h100 / 3600 == pytest.approx(4850.0, abs=0.1)


def test_chunked_attention_keeps_memory_linear_in_the_sequence():
    model = MODELS["gpt2-xl-16k"]
    short, long = activation_bytes(model, Batch(seq=1024)), activation_bytes(model, Batch(seq=16_384))
    of_the_head = 4 * 1600 * VOCAB
    assert long - of_the_head == 16 * (short - of_the_head)
