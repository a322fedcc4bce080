"""Models that this test trains, exported: transformers has the same logits, ids and continuation."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from cs336_basics import Tokenizer, TransformerLM, generate, train_bpe
from cs336_basics.data.mixture import TokenMixture
from cs336_basics.export.huggingface import ExportedRun, export_run
from cs336_basics.nn.config import ModelConfig
from cs336_basics.tokenization import END_OF_TEXT
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.training.config import OptimizerConfig, RunConfig, TrainingConfig
from cs336_basics.training.loop import train
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.trained_run import open_trained_run
from tests.unit.tokenization.references import real_text

PLAIN = ModelConfig(vocab_size=307, context_length=23, d_model=30, num_layers=2, num_heads=3, d_ff=37)
ALL_TRAITS = replace(
    PLAIN,
    num_heads=6,
    num_kv_heads=2,
    d_head=14,
    rope_theta=500.0,
    rope_scaling="llama3",
    rope_original_context=11,
    norm_eps=0.1,
    tie_embeddings=True,
    attention="chunked",
    init="kaiming_normal",
)
FILES = {
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


def write_run(path: Path, model: ModelConfig) -> RunFolder:
    """Train for a few steps on real text, with a tokenizer of its own."""
    run = RunFolder(path)
    run.create(job="test")
    (path / "text").write_text(real_text()[:30_000] + END_OF_TEXT, encoding="utf-8", newline="")
    tokenizer = Tokenizer(*train_bpe(path / "text", 307, [END_OF_TEXT], num_workers=1), [END_OF_TEXT])
    tokenizer.save_to_folder(run.tokenizer)
    ids = np.array(tokenizer.encode((path / "text").read_text(encoding="utf-8")), dtype=np.uint16)
    training = TrainingConfig(steps=11, batch_size=5, device="cpu", precision="fp32")
    config = RunConfig(
        model=model, optimizer=OptimizerConfig(learning_rate=2e-3, warmup_steps=3), training=training
    )
    run.claim({"job": "test", **config.to_dict()}, compared=())
    train(config, TokenData(train=TokenMixture.by_size(ids[:-500]), validation=ids[-500:]), run)
    return run


@pytest.fixture(scope="module", params=[PLAIN, ALL_TRAITS], ids=["plain", "all traits"])
def run(request, tmp_path_factory) -> RunFolder:
    return write_run(tmp_path_factory.mktemp("trained") / "run", request.param)


@pytest.fixture(scope="module")
def exported(run) -> Path:
    folder = run.path.parent / "new" / "exported"
    assert export_run(run, folder) == ExportedRun(step=11, num_differing_code_points=17480)
    return folder


@pytest.fixture(scope="module")
def theirs(exported) -> LlamaForCausalLM:
    model = AutoModelForCausalLM.from_pretrained(exported, local_files_only=True)
    assert type(model) is LlamaForCausalLM
    return model.eval()


@torch.inference_mode()
def test_transformers_has_the_same_logits(run, theirs):
    ours = open_trained_run(run, device="cpu").model
    ids = torch.randint(307, (3, 23))
    torch.testing.assert_close(theirs(ids).logits, ours(ids), rtol=0, atol=1e-5)


def test_transformers_has_the_same_ids(run, exported):
    ours, theirs = Tokenizer.from_folder(run.tokenizer), AutoTokenizer.from_pretrained(exported)
    text = f"Some text. {END_OF_TEXT}naïve 日本  " + real_text()[40_000:50_000]
    assert theirs(text, verbose=False)["input_ids"] == ours.encode(text)
    assert theirs.eos_token_id == ours.special_token_ids[END_OF_TEXT]
    assert theirs.model_max_length == 23


def test_transformers_generates_the_same_continuation(run, theirs):
    ours, tokenizer = open_trained_run(run, device="cpu").model, Tokenizer.from_folder(run.tokenizer)
    prompt, new = tokenizer.encode("The value"), 23 - len(tokenizer.encode("The value"))
    expected = generate(ours, prompt, new, temperature=0)
    assert len(set(expected)) > 2
    continued = theirs.generate(torch.tensor([prompt]), max_new_tokens=new)
    assert continued[0, len(prompt) :].tolist() == expected


def test_generation_ends_where_a_text_ends(run, theirs):
    end_id = Tokenizer.from_folder(run.tokenizer).special_token_ids[END_OF_TEXT]
    settings = theirs.generation_config
    assert (settings.bos_token_id, settings.eos_token_id, settings.pad_token_id) == (end_id,) * 3
    assert theirs.config.eos_token_id == end_id


@torch.inference_mode()
def test_what_was_exported_comes_back_bit_for_bit(run, exported):
    trained, back = open_trained_run(run, device="cpu").model, TransformerLM.from_pretrained(exported)
    for name, weight in trained.state_dict().items():
        assert torch.equal(back.state_dict()[name], weight), name
    ids = torch.randint(307, (3, 23))
    same_form = TransformerLM.from_pretrained(exported, attention=trained.config.attention)
    assert torch.equal(same_form(ids), trained(ids))
    assert replace(same_form.config, init=trained.config.init) == trained.config


def test_the_folder_holds_its_six_files_and_nothing_is_beside_it(exported):
    assert {path.name for path in exported.iterdir()} == FILES
    assert list(exported.parent.iterdir()) == [exported]


def with_model(path: Path, **choices) -> RunFolder:
    """A run that has a configuration and no more."""
    run = RunFolder(path)
    run.create(job="test")
    config = RunConfig(model=replace(PLAIN, **choices), training=TrainingConfig(steps=1))
    run.claim({"job": "test", **config.to_dict()}, compared=())
    return run


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"norm": "post"}, "Llama has norm = 'pre' but this model has 'post'; only a model that was"),
        ({"norm": "none"}, "Llama has norm = 'pre' but this model has 'none'"),
        ({"position": "none"}, "Llama has position = 'rope' but this model has 'none'"),
        ({"ffn": "silu"}, "Llama has ffn = 'swiglu' but this model has 'silu'"),
        ({"ffn": "relu2"}, "Llama has ffn = 'swiglu' but this model has 'relu2'"),
        ({"qk_norm": True}, "Llama has qk_norm = False but this model has True"),
        ({"logit_softcap": 5.0}, "Llama has logit_softcap = None but this model has 5.0"),
        (
            {"num_heads": 4, "d_head": 6},
            "a multiple of num_heads but 30 is not a multiple of 4; only a model with",
        ),
    ],
)
def test_what_llama_lacks_is_refused_by_name(tmp_path, choice, message):
    with pytest.raises(ValueError, match=message) as error:
        export_run(with_model(tmp_path / "run", **choice), tmp_path / "out")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.fixture
def copied(run, tmp_path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(run.path, tmp_path / "run")))


def refused(run: RunFolder, message: str, kind: type[Exception] = ValueError) -> None:
    """Nothing may be left."""
    before = sorted(run.path.parent.rglob("*"))
    with pytest.raises(kind, match=message) as error:
        export_run(run, run.path.parent / "out")
    assert "\n" not in str(error.value)
    assert sorted(run.path.parent.rglob("*")) == before


def test_what_is_no_run_or_an_unfinished_one_is_refused(copied, exported, tmp_path):
    refused(RunFolder(tmp_path / "none"), "none has no config.json; train one", FileNotFoundError)
    refused(RunFolder(exported), "is no configuration of one; if it is a model of Hugging Face")
    shutil.rmtree(copied.checkpoints)
    refused(copied, "expected a checkpoint but", FileNotFoundError)
    shutil.rmtree(copied.tokenizer)
    refused(copied, "expected a tokenizer but", FileNotFoundError)


def test_a_damaged_run_is_refused(copied):
    for file in copied.checkpoints.rglob("weights.safetensors"):
        file.write_bytes(file.read_bytes()[:-1])
    refused(copied, r"weights\.safetensors is missing or damaged \(its content")
    copied.config.write_text("{")
    refused(copied, r"config\.json must be a JSON file")


def test_a_tokenizer_of_another_model_is_refused(copied):
    special_tokens = ["x" * length for length in range(2, 60)]
    Tokenizer(dict(enumerate(BYTE_TOKENS)), [], special_tokens).save_to_folder(copied.tokenizer)
    refused(copied, r"must lie below the model's vocab_size = 307 but .* has id 313; put the tokenizer")


def test_a_failure_half_way_leaves_nothing(copied):
    vocab = json.loads((copied.tokenizer / "vocab.json").read_text())
    del vocab["!"]
    (copied.tokenizer / "vocab.json").write_text(json.dumps(vocab))
    (copied.tokenizer / "merges.txt").write_text("#version: 0.2\n")
    refused(copied, "every byte must have an entry")


def test_a_folder_that_is_there_stays_as_it_is(copied, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("content")
    refused(copied, r"or be empty, but .*out is there; choose another", FileExistsError)
