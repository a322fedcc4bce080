"""A run whose tokenizer begins each text with a token of its own, exported: transformers has it too."""

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaForCausalLM

from cs336_basics import TransformerLM
from cs336_basics.checkpoint.run_checkpoint import save_run_checkpoint
from cs336_basics.checkpoint.snapshot import take_snapshot
from cs336_basics.export.huggingface import export_run
from cs336_basics.nn.config import ModelConfig
from cs336_basics.optim.sgd import SGD
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer
from cs336_basics.training.config import RunConfig, TrainingConfig
from cs336_basics.training.run_folder import RunFolder
from tests.unit.tokenization.interchange.huggingface_files import BEGIN, trained

MODEL = ModelConfig(vocab_size=709, context_length=23, d_model=30, num_layers=1, num_heads=3, d_ff=37)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("begin") / "run")
    run.create(job="test")
    config = RunConfig(model=MODEL, training=TrainingConfig(steps=1)).to_dict()
    run.claim(config, compared=())
    run.tokenizer.mkdir()
    trained("llama3").save(str(run.tokenizer / "tokenizer.json"))
    model = TransformerLM.from_config(MODEL)
    snapshot = take_snapshot(model, SGD(model.parameters(), lr=1.0))
    save_run_checkpoint(run.checkpoints, snapshot, step=1, progress={"config": config}, random_states={})
    return run


@pytest.fixture(scope="module")
def exported(run) -> Path:
    export_run(run, run.path.parent / "exported")
    return run.path.parent / "exported"


@pytest.fixture(scope="module")
def model(exported) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(exported, local_files_only=True).eval()


def test_texts_begin_with_the_token_of_the_tokenizer_and_end_with_end_of_text(run, exported, model):
    ids = Tokenizer.from_folder(run.tokenizer).special_token_ids
    tokenizer = AutoTokenizer.from_pretrained(exported)
    for told in (tokenizer, model.config, model.generation_config):
        assert (told.bos_token_id, told.eos_token_id) == (ids[BEGIN], ids[END_OF_TEXT])
    assert tokenizer("a")["input_ids"][0] == ids[BEGIN]
    assert model.generate(max_new_tokens=1, do_sample=False)[0, 0] == ids[BEGIN]


@torch.inference_mode()
def test_texts_of_unequal_length_are_padded_and_their_logits_are_those_of_each_alone(exported, model):
    tokenizer = AutoTokenizer.from_pretrained(exported)
    padded = tokenizer(["a", "the value of"], padding=True, return_tensors="pt")
    alone = tokenizer("a", return_tensors="pt")
    num_tokens = alone["input_ids"].shape[1]
    together = model(**padded).logits[:1, :num_tokens]
    torch.testing.assert_close(together, model(**alone).logits, rtol=0, atol=1e-5)
