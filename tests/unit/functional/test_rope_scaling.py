import math

import pytest
import torch
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.configuration_llama import LlamaConfig

from cs336_basics.functional.rope import rope_frequencies
from cs336_basics.functional.rope_scaling import llama3_frequencies

LLAMA_31 = {"factor": 8.0, "slow_turns": 1.0, "fast_turns": 4.0, "original_context": 8192}
OTHER = {"factor": 32.0, "slow_turns": 2.0, "fast_turns": 7.0, "original_context": 613}


@pytest.mark.parametrize("settings", [LLAMA_31, OTHER], ids=["Llama 3.1", "others"])
@pytest.mark.parametrize(("d_head", "theta"), [(128, 500000.0), (34, 10000.0)])
def test_scaled_frequencies_are_bitwise_those_of_transformers(settings, d_head, theta):
    parameters = {
        "rope_type": "llama3",
        "rope_theta": theta,
        "factor": settings["factor"],
        "low_freq_factor": settings["slow_turns"],
        "high_freq_factor": settings["fast_turns"],
        "original_max_position_embeddings": settings["original_context"],
    }
    config = LlamaConfig(head_dim=d_head, max_position_embeddings=131072, rope_parameters=parameters)
    expected, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    assert torch.equal(llama3_frequencies(rope_frequencies(d_head, theta), **settings), expected)


def test_fast_pairs_stay_slow_pairs_are_divided_and_the_middle_is_mixed():
    turns = torch.tensor([9.0, 4.1, 2.5, 0.9, 0.1])
    frequencies = turns * 2 * math.pi / 100
    scaled = llama3_frequencies(frequencies, factor=8.0, slow_turns=1.0, fast_turns=4.0, original_context=100)
    shares = (scaled / frequencies).tolist()
    assert shares == pytest.approx([1, 1, 0.5 / 8 + 0.5, 1 / 8, 1 / 8])
