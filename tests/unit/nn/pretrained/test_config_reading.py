import json
import re

import pytest

from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.pretrained.config_reading import model_config, read_model_config

TINYLLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "initializer_range": 0.02,
    "intermediate_size": 5632,
    "max_position_embeddings": 2048,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 22,
    "num_key_value_heads": 4,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "transformers_version": "4.35.0",
    "use_cache": True,
    "vocab_size": 32000,
}
SMOLLM2 = TINYLLAMA | {
    "eos_token_id": 0,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "is_llama_config": True,
    "max_position_embeddings": 8192,
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "rope_interleaved": False,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
    "vocab_size": 49152,
}
LLAMA_32 = TINYLLAMA | {
    "eos_token_id": [128001, 128008, 128009],
    "head_dim": 64,
    "max_position_embeddings": 131072,
    "mlp_bias": False,
    "num_key_value_heads": 8,
    "rope_scaling": {
        "factor": 32.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
    "vocab_size": 128256,
}


def test_the_configurations_of_published_models_are_translated():
    assert model_config(TINYLLAMA, attention="chunked") == ModelConfig(
        vocab_size=32000,
        context_length=2048,
        d_model=2048,
        num_layers=22,
        num_heads=32,
        num_kv_heads=4,
        d_ff=5632,
        attention="chunked",
    )
    assert model_config(SMOLLM2) == ModelConfig(
        vocab_size=49152,
        context_length=8192,
        d_model=576,
        num_layers=30,
        num_heads=9,
        num_kv_heads=3,
        d_ff=1536,
        rope_theta=100000.0,
        tie_embeddings=True,
    )
    llama = model_config(LLAMA_32)
    assert (llama.rope_theta, llama.rope_scaling, llama.rope_factor) == (500000.0, "llama3", 32.0)
    assert (llama.rope_slow_turns, llama.rope_fast_turns, llama.rope_original_context) == (1.0, 4.0, 8192)
    assert (llama.d_head, llama.head_size, llama.context_length) == (None, 64, 131072)


def test_what_is_missing_is_what_transformers_takes_for_it():
    missing = ("num_key_value_heads", "rms_norm_eps", "rope_theta", "tie_word_embeddings", "architectures")
    config = model_config({key: value for key, value in TINYLLAMA.items() if key not in missing})
    assert (config.num_kv_heads, config.norm_eps, config.rope_theta) == (None, 1e-6, 10000.0)
    assert not config.tie_embeddings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "mistral"}, "has model_type = 'llama' but here it is 'mistral'; take another model"),
        ({"model_type": None}, "has model_type = 'llama' but here it is None"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "architectures = ['LlamaForCausalLM'] but"),
        ({"hidden_act": "gelu"}, "has hidden_act = 'silu' but here it is 'gelu'"),
        ({"attention_bias": True}, "has attention_bias = False but here it is True"),
        ({"mlp_bias": True}, "has mlp_bias = False but here it is True"),
        ({"attention_dropout": 0.1}, "has attention_dropout = 0 but here it is 0.1"),
        ({"sliding_window": 4096}, "has sliding_window = None but here it is 4096"),
        ({"use_sliding_window": True}, "has use_sliding_window = False but here it is True"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "layer_types = 'full_attention' in each"),
        ({"quantization_config": {"bits": 4}}, "has quantization_config = None but here it is {'bits': 4}"),
        ({"logit_scale": 0.5}, "but what logit_scale = 0.5 changes is not; take another model, or remove"),
        ({"rope_interleaved": True}, "has rope_interleaved = False but here it is True"),
        ({"partial_rotary_factor": 0.5}, "has partial_rotary_factor = 1 but here it is 0.5"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_type = 'default' or 'llama3' but"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "it is 'yarn'"),
        ({"rope_scaling": {"rope_type": "default", "factor": 2.0}}, "rotary parameter factor = null but"),
        ({"rope_scaling": {"rope_type": "llama3"}}, "a number above 0 as factor but has no factor;"),
        ({"rope_scaling": [8.0]}, "has rope_scaling = an object but here it is [8.0]"),
        ({"rope_parameters": {"rope_theta": 500.0}}, "give rope_theta once but has 10000.0 and"),
        (
            {"rope_parameters": {"rope_theta": 1e4}, "rope_scaling": {"rope_type": "llama3"}},
            "but rope_scaling and rope_parameters differ; remove one",
        ),
        (
            {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
            "has partial_rotary_factor = 1 but here it is 0.5",
        ),
        ({"vocab_size": None}, "must have a whole number from 1 up as vocab_size but has no vocab_size;"),
        ({"hidden_size": "2048"}, "as hidden_size but has hidden_size = '2048'; restore the file"),
        ({"num_hidden_layers": 0}, "as num_hidden_layers but has num_hidden_layers = 0;"),
        ({"num_hidden_layers": True}, "as num_hidden_layers but has num_hidden_layers = True;"),
        ({"rms_norm_eps": float("nan")}, "a number above 0 as rms_norm_eps but has rms_norm_eps = nan;"),
        ({"hidden_size": 10**400}, "a whole number from 1 up as hidden_size but has hidden_size = 1000"),
        ({"rope_theta": 10**400}, "a number above 0 as rope_theta but has rope_theta = 1000"),
        ({"rms_norm_eps": float("inf")}, "a number above 0 as rms_norm_eps but has rms_norm_eps = inf;"),
        ({"tie_word_embeddings": "yes"}, "true or false as tie_word_embeddings but has"),
        ({"num_key_value_heads": 5}, "num_kv_heads must divide num_heads but 5 does not divide 32;"),
        ({"num_attention_heads": 30, "num_key_value_heads": 30, "head_dim": 3}, "d_head must be even"),
    ],
)  # fmt: skip
def test_what_our_parts_do_not_compute_is_refused_by_name_in_one_sentence(change, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        model_config(TINYLLAMA | change)
    assert "\n" not in str(error.value)


def test_an_unknown_key_that_is_not_set_is_no_obstacle():
    assert model_config(TINYLLAMA | {"sliding_window": None, "something": None}) == model_config(TINYLLAMA)


def test_rotation_may_be_told_in_both_spellings_if_they_agree():
    scaling = LLAMA_32["rope_scaling"]
    for newer in (scaling, {**scaling, "rope_theta": 500000.0}):
        assert model_config({**LLAMA_32, "rope_parameters": newer}) == model_config(LLAMA_32)
    older = {("type" if key == "rope_type" else key): value for key, value in scaling.items()}
    both = {**LLAMA_32, "rope_scaling": older, "rope_parameters": scaling}
    assert model_config(both) == model_config(LLAMA_32)
    with pytest.raises(ValueError, match="rope_scaling and rope_parameters differ"):
        model_config({**LLAMA_32, "rope_parameters": {**scaling, "factor": 8.0}})


def test_keys_about_the_use_of_logits_are_no_obstacle():
    generation = {"typical_p": 0.9, "length_penalty": 2.0, "num_beam_groups": 3, "suppress_tokens": [5]}
    assert model_config(TINYLLAMA | generation) == model_config(TINYLLAMA)


def test_a_folder_without_a_configuration_is_no_model(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"has no config\.json; download the model and give its folder"
    ):
        read_model_config(tmp_path)
    with pytest.raises(FileNotFoundError, match="none has no config"):
        read_model_config(tmp_path / "none")


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_configuration_is_named(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json must"):
        read_model_config(tmp_path)


def test_the_file_is_what_is_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(SMOLLM2))
    assert read_model_config(tmp_path) == model_config(SMOLLM2)
