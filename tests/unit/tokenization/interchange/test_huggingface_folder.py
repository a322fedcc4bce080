"""What transformers reads from the folder that we write: the same ids, the same text, and who ends a text."""

import json
import os

import pytest
from hypothesis import given

from cs336_basics.tokenization import Tokenizer, train_bpe
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.huggingface_folder import write_huggingface_tokenizer
from cs336_basics.tokenization.interchange.unicode_differences import code_points_new_since_unicode_16
from tests.unit.tokenization.interchange.test_exports import common_text
from tests.unit.tokenization.references import BOUNDED, real_text

END = "<|endoftext|>"
SPECIAL_TOKENS = [END, "<|e|>", "<|e|><|f|>", "<日>"]
FILES = ["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"]
CONTEXT_LENGTH = 67


def read_by_transformers(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes((real_text()[:100_000] + "naïve привет 日本語 😀 '((.*  " * 50).encode())
    return Tokenizer(*train_bpe(path, 900, [END], num_workers=1), SPECIAL_TOKENS)


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "a" / "b"
    num_differing = write_huggingface_tokenizer(tokenizer, folder, context_length=CONTEXT_LENGTH)
    assert num_differing == len(code_points_new_since_unicode_16()) > 0
    return folder


@pytest.fixture(scope="module")
def peer(folder):
    return read_by_transformers(folder)


def test_three_files_are_written(folder):
    assert sorted(os.listdir(folder)) == FILES


def test_transformers_gives_the_ids_and_text_of_real_text(tokenizer, peer):
    text = real_text()[:300_000]
    ids = tokenizer.encode(text)
    assert peer(text, verbose=False)["input_ids"] == ids
    assert peer.decode(ids) == text


@BOUNDED
@given(common_text)
def test_transformers_gives_the_ids_and_text_of_any_text(tokenizer, peer, text):
    for whole_text in (text, f"{text}<|e|><|f|>{text}<日> 's . n't ,{END}"):
        ids = tokenizer.encode(whole_text)
        assert peer.encode(whole_text) == ids
        assert peer.decode(ids) == whole_text


def test_transformers_knows_what_ends_a_text_and_how_long_one_may_be(tokenizer, peer):
    assert peer.eos_token == END
    assert peer.eos_token_id == tokenizer.special_token_ids[END]
    assert peer.bos_token is None
    assert peer.model_max_length == CONTEXT_LENGTH
    assert list(peer("a")) == ["input_ids", "attention_mask"]


def test_transformers_pads_texts_of_unequal_length(tokenizer, peer, folder):
    padded = peer(["a", "some more"], padding=True)
    num_missing = len(tokenizer.encode("some more")) - 1
    assert padded["input_ids"][0] == tokenizer.encode("a") + num_missing * tokenizer.encode(END)
    assert padded["attention_mask"][0] == [1] + num_missing * [0]
    assert json.loads((folder / "special_tokens_map.json").read_text())["pad_token"] == END


def test_earlier_versions_of_transformers_are_told_what_they_would_do_otherwise(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    assert config["clean_up_tokenization_spaces"] is False
    assert config["add_prefix_space"] is False
    assert config["model_input_names"] == ["input_ids", "attention_mask"]


def test_folder_of_a_llama_model_is_read_alike(tokenizer, folder, tmp_path):
    for name in FILES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    text = f"I'll  go <|e|>日本.{END}\n\n x"
    assert read_by_transformers(tmp_path).encode(text) == tokenizer.encode(text)


def test_tokenizer_without_end_of_text_has_no_token_that_ends_a_text(tmp_path):
    tokenizer = Tokenizer({**dict(enumerate(BYTE_TOKENS)), 400: b"ab"}, [(b"a", b"b")], ["<s>"])
    write_huggingface_tokenizer(tokenizer, tmp_path, context_length=5)
    assert json.loads((tmp_path / "special_tokens_map.json").read_text()) == {}
    peer = read_by_transformers(tmp_path)
    assert peer.eos_token is None
    assert peer.encode("<s>ab b") == tokenizer.encode("<s>ab b") == [401, 400, 32, 98]


@pytest.mark.parametrize(
    ("tokenizer", "context_length", "message"),
    [
        (
            Tokenizer(dict(enumerate(BYTE_TOKENS)), [], ["é"]),
            5,
            "'é', the text of special token 256, already",
        ),
        (Tokenizer(dict(enumerate(BYTE_TOKENS)), []), 0, "context_length must be at least 1 but is 0"),
        (Tokenizer({0: b"a"}, []), 5, "0x00 has none"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(tokenizer, context_length, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_huggingface_tokenizer(tokenizer, tmp_path / "new", context_length=context_length)
    assert not (tmp_path / "new").exists()
