import torch

from cs336_basics.functional.rope import rope_frequencies
from cs336_basics.functional.rope_scaling import llama3_frequencies
from cs336_basics.nn.rope import RotaryPositions
from cs336_basics.nn.scaled_rope import ScaledRotaryPositions

SETTINGS = {"factor": 8.0, "slow_turns": 1.0, "fast_turns": 4.0, "original_context": 17}


def test_tables_are_the_cosine_and_sine_of_the_scaled_frequencies():
    cos, sin = ScaledRotaryPositions(14, 101, 500.0, **SETTINGS)()
    frequencies = llama3_frequencies(rope_frequencies(14, 500.0), **SETTINGS).double()
    angles = torch.arange(101).double()[:, None] * frequencies
    torch.testing.assert_close(cos.double(), angles.cos(), rtol=0, atol=1e-5)
    torch.testing.assert_close(sin.double(), angles.sin(), rtol=0, atol=1e-5)
    assert not torch.equal(cos, RotaryPositions(14, 101, 500.0).cos)


def test_tables_stay_scaled_when_a_model_moves():
    positions = ScaledRotaryPositions(14, 101, **SETTINGS)
    expected = positions.cos.clone()
    assert torch.equal(positions.bfloat16().cos, expected)
    filled = ScaledRotaryPositions(14, 101, **SETTINGS, device="meta").to_empty(device="cpu")
    assert torch.equal(filled.cos, expected)


def test_sizes_and_scaling_are_printed():
    assert str(ScaledRotaryPositions(14, 101, **SETTINGS)) == (
        "ScaledRotaryPositions(d_head=14, max_seq_len=101, theta=10000.0, factor=8.0, slow_turns=1.0, "
        "fast_turns=4.0, original_context=17)"
    )
