"""Models that transformers has written, loaded by us: the same logits, and the same text."""

import json
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.llama.modeling_llama import LlamaForCausalLM

from cs336_basics import TransformerLM, generate
from cs336_basics.generation.plain_decoding import generate_plainly
from cs336_basics.nn.config import AttentionForm
from tests.unit.nn.pretrained.llamas import ALL, CONTEXT, TRAITS, llama, random_ids, written

EXAMPLES = {**TRAITS, "all together": ALL}


@torch.inference_mode()
@pytest.mark.parametrize("name", EXAMPLES)
def test_logits_are_those_of_llama(name, tmp_path):
    theirs = llama(**EXAMPLES[name])
    ours = TransformerLM.from_pretrained(written(tmp_path, theirs))
    ids = random_ids(2, CONTEXT)
    expected = theirs(ids).logits
    assert expected.std() > 0.7
    torch.testing.assert_close(ours(ids), expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_every_form_of_attention_has_the_logits_of_llama(tmp_path):
    theirs, ids = llama(**ALL), random_ids(2, CONTEXT)
    written(tmp_path, theirs)
    for form in get_args(AttentionForm):
        ours = TransformerLM.from_pretrained(tmp_path, attention=form)
        assert ours.config.attention == form
        torch.testing.assert_close(ours(ids), theirs(ids).logits, rtol=0, atol=1e-5)


def test_generation_with_a_cache_continues_as_llama_does(tmp_path):
    theirs = llama(**ALL)
    ours = TransformerLM.from_pretrained(written(tmp_path, theirs))
    prompts = [random_ids(length).tolist() for length in (7, 1, 13)]
    continuations = generate(ours, prompts, 31, temperature=0)
    assert continuations == generate_plainly(ours, prompts, 31, temperature=0)
    for prompt, continuation in zip(prompts, continuations, strict=True):
        written_on = theirs.generate(  # pyright: ignore[reportAttributeAccessIssue]
            torch.tensor([prompt]), max_new_tokens=31, do_sample=False, pad_token_id=0, eos_token_id=None
        )
        assert written_on[0, len(prompt) :].tolist() == continuation


@torch.inference_mode()
def test_several_files_with_an_index_are_one_model(tmp_path):
    theirs, ids = llama(**ALL), random_ids(1, 17)
    written(tmp_path, theirs, max_shard_size="40KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert not (tmp_path / "model.safetensors").exists()
    torch.testing.assert_close(
        TransformerLM.from_pretrained(tmp_path)(ids), theirs(ids).logits, rtol=0, atol=1e-5
    )


@torch.inference_mode()
def test_weights_in_bfloat16_become_float32_or_stay(tmp_path):
    ids = random_ids(1, 17)
    written(tmp_path, llama(**ALL).bfloat16())
    theirs = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    wide = TransformerLM.from_pretrained(tmp_path)
    assert {weight.dtype for weight in wide.parameters()} == {torch.float32}
    torch.testing.assert_close(wide(ids), theirs(ids).logits, rtol=0, atol=1e-5)
    narrow = TransformerLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {weight.dtype for weight in narrow.parameters()} == {torch.bfloat16}
    assert torch.equal(narrow.token_embeddings.weight.float(), wide.token_embeddings.weight)
    assert narrow(ids).dtype == torch.bfloat16


def test_a_loaded_model_can_be_trained_and_its_tables_are_filled(tmp_path):
    model = TransformerLM.from_pretrained(written(tmp_path))
    model(random_ids(1, 5)).sum().backward()
    assert all(weight.grad is not None for weight in model.parameters())
    assert torch.equal(model.positions.cos[0], torch.ones(5))


@torch.inference_mode()
@pytest.mark.parametrize("scaled", [False, True])
def test_the_older_spelling_of_positions_means_the_same(tmp_path, scaled):
    theirs, ids = llama(**({"rope_parameters": LLAMA3} if scaled else {})), random_ids(1, CONTEXT)
    written(tmp_path, theirs)
    values = json.loads((tmp_path / "config.json").read_text())
    rope = values.pop("rope_parameters")
    values["rope_theta"] = rope.pop("rope_theta")
    values["rope_scaling"] = rope if scaled else None
    (tmp_path / "config.json").write_text(json.dumps(values))
    ours = TransformerLM.from_pretrained(tmp_path)
    torch.testing.assert_close(ours(ids), theirs(ids).logits, rtol=0, atol=1e-5)


LLAMA3 = TRAITS["scaled frequencies"]["rope_parameters"]


def add_weights(folder, **weights: torch.Tensor) -> None:
    file = folder / "model.safetensors"
    save_file({**load_file(file), **{name: weight.clone() for name, weight in weights.items()}}, file)


def test_stored_frequencies_and_a_stored_copy_of_the_embedding_are_compared(tmp_path):
    model = llama(tie_word_embeddings=True)
    written(tmp_path, model)
    frequencies = 1 / 10000 ** (torch.arange(0, 10, 2) / 10)
    name = "model.layers.1.self_attn.rotary_emb.inv_freq"
    add_weights(tmp_path, **{name: frequencies.half(), "lm_head.weight": model.lm_head.weight.detach()})
    TransformerLM.from_pretrained(tmp_path)
    add_weights(tmp_path, **{name: 1.1 * frequencies})
    with pytest.raises(ValueError, match=rf"{name} in .*model\.safetensors must repeat what follows"):
        TransformerLM.from_pretrained(tmp_path)
    add_weights(tmp_path, **{name: frequencies, "lm_head.weight": model.lm_head.weight.detach() + 1})
    with pytest.raises(ValueError, match=r"lm_head\.weight in .* must repeat what follows"):
        TransformerLM.from_pretrained(tmp_path)


def test_a_folder_of_links_as_a_download_cache_has_them_is_read(tmp_path):
    written(tmp_path / "blobs")
    (tmp_path / "snapshot").mkdir()
    for file in (tmp_path / "blobs").iterdir():
        (tmp_path / "snapshot" / file.name).symlink_to(file)
    assert TransformerLM.from_pretrained(tmp_path / "snapshot").config.d_model == 60


def test_weights_are_float32_whatever_the_default_type_is(tmp_path):
    folder = written(tmp_path, llama())
    torch.set_default_dtype(torch.bfloat16)
    try:
        model = TransformerLM.from_pretrained(folder)
    finally:
        torch.set_default_dtype(torch.float32)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
