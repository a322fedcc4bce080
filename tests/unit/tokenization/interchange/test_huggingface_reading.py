"""A tokenizer.json that the real library wrote gives the same ids and the same text."""

import json
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as HuggingFaceTokenizer

from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization import tokenizer as tokenizer_module
from cs336_basics.tokenization.bulk.encoding import BulkEncoder
from cs336_basics.tokenization.file_encoding import encode_text_file
from cs336_basics.tokenization.interchange.huggingface_folder import write_huggingface_tokenizer
from cs336_basics.tokenization.interchange.unicode_differences import code_points_new_since_unicode_16
from tests.unit.tokenization.interchange.huggingface_files import (
    BEGIN,
    KINDS,
    LATE_TOKENS,
    SPECIAL_TOKENS,
    trained,
    write,
)
from tests.unit.tokenization.references import BOUNDED, FRAGMENTS, real_text

DIFFERING = {chr(code_point) for code_point in code_points_new_since_unicode_16()}
common_characters = st.characters(exclude_categories=["Cs"]).filter(
    lambda character: character not in DIFFERING
)
PIECES = [
    *FRAGMENTS, *SPECIAL_TOKENS, *LATE_TOKENS,
    "I'LL", "don'T", "'ſ", "12345", "Ⅷ", "½", "!\n\n", " \n \n", "\r\r\n", " (x)", "a1b2", "\u0378",
    "\ufdd0", "ABC, 12",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(common_characters, max_size=6), max_size=25).map("".join)
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Return ours of a kind, read from the file that the library wrote."""
    folder = tmp_path_factory.mktemp("files")
    tokenizers = {}
    for kind in KINDS:
        trained(kind).save(str(folder / "tokenizer.json"))
        tokenizers[kind] = Tokenizer.from_huggingface(folder / "tokenizer.json")
    return tokenizers


def ids_there(peer, text: str) -> list[int]:
    return peer.encode(text, add_special_tokens=False).ids


@each_kind
@settings(BOUNDED, max_examples=80)
@given(texts)
def test_any_text_has_the_ids_and_the_decoded_text_of_the_library(read, kind, text):
    ids = ids_there(trained(kind), text)
    assert read[kind].encode(text) == ids
    assert read[kind].decode(ids) == trained(kind).decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize("kind", ["gpt2", "digits", "llama3", "gaps"])
def test_real_text_has_the_ids_of_the_library_also_as_a_file(read, kind, tmp_path):
    text = real_text()[:130_000] + "2024, 日本語, I'LL\n\n" * 100
    assert len(text) > tokenizer_module.BULK_CHARACTERS
    (tmp_path / "text.txt").write_bytes(text.encode())
    ids = ids_there(trained(kind), text)
    assert read[kind].encode(text) == ids
    assert read[kind].encode_file(tmp_path / "text.txt", tmp_path / "ids.npy", num_workers=1) == len(ids)
    assert np.load(tmp_path / "ids.npy").tolist() == ids
    assert list(read[kind].encode_iterable(text.splitlines(keepends=True))) == ids


@each_kind
def test_file_in_many_chunks_has_the_ids_of_the_whole(read, kind, tmp_path):
    text = "".join(PIECES) + "a  1 \n\n b!\n\nc <|e|> d\ne  f\t g 12 " * 40
    (tmp_path / "text.txt").write_bytes(text.encode())
    encoder = pickle.loads(pickle.dumps(read[kind]._chunk_encoder))  # as a worker gets it
    encode_text_file(
        encoder,
        tmp_path / "text.txt",
        tmp_path / "ids.npy",
        vocab_size=read[kind].vocab_size,
        num_workers=1,
        chunk_bytes=20,
    )
    assert np.load(tmp_path / "ids.npy").tolist() == ids_there(trained(kind), text)


@each_kind
@settings(BOUNDED, max_examples=40)
@given(st.lists(texts, max_size=3))
def test_text_that_arrives_in_pieces_has_the_ids_of_the_whole(read, kind, pieces):
    assert list(read[kind].encode_iterable(pieces)) == read[kind].encode("".join(pieces))


def test_only_what_is_gpt2s_takes_the_way_in_bulk(read):
    in_bulk = [kind for kind in KINDS if isinstance(read[kind]._chunk_encoder, BulkEncoder)]
    assert in_bulk == ["gpt2"]


@each_kind
def test_lone_surrogate_is_found_at_its_place(read, kind):
    for text in ("ab\ud800", "<|e|>a b12\ud800", "word, <|e|>" * 500 + "\ud800"):
        message = f"U\\+D800 at position {len(text) - 1}"
        with pytest.raises(ValueError, match=message):
            read[kind].encode(text)
        with pytest.raises(ValueError, match=message):
            list(read[kind].encode_iterable([text[:2], text[2:]]))


@each_kind
def test_tokenizer_survives_pickling_and_its_own_files(read, kind, tmp_path):
    tokenizer = read[kind]
    tokenizer.save_to_folder(tmp_path / "ours")
    write_huggingface_tokenizer(tokenizer, tmp_path / "theirs", context_length=13)
    peer = HuggingFaceTokenizer.from_file(str(tmp_path / "theirs" / "tokenizer.json"))
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["tokenizer.json"]
    for again in (
        pickle.loads(pickle.dumps(tokenizer)),
        Tokenizer.from_folder(tmp_path / "ours"),
        Tokenizer.from_huggingface(tmp_path / "theirs"),
    ):
        assert again.definition == tokenizer.definition
    text = "".join(PIECES)
    assert peer.encode(text).ids == trained(kind).encode(text).ids
    assert tokenizer.to_huggingface().encode(text).ids == trained(kind).encode(text).ids


@pytest.mark.parametrize("kind", ["llama3", "prefix space"])
def test_transformers_reads_what_we_write_alike(read, kind, tmp_path):
    from transformers import AutoTokenizer

    write_huggingface_tokenizer(read[kind], tmp_path, context_length=13)
    peer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    text = "".join(PIECES)
    assert peer.encode(text, add_special_tokens=False) == read[kind].encode(text)
    assert peer.bos_token_id == read[kind].bos_token_id
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["add_prefix_space"] == (kind == "prefix space")
    assert peer.decode(read[kind].encode(text)) == read[kind].decode(read[kind].encode(text))


def test_token_in_front_of_every_text_is_known_but_not_added(read):
    begin = trained("llama3").token_to_id(BEGIN)
    assert read["llama3"].bos_token_id == begin
    assert trained("llama3").encode("I'll").ids == [begin, *read["llama3"].encode("I'll")]
    assert read["gpt2"].bos_token_id is None
    assert Tokenizer({0: b"a"}, []).bos_token_id is None


def test_text_without_a_token_needs_no_library(tmp_path, monkeypatch):
    path = write(trained("digits").to_str(), tmp_path)
    for package in ("tokenizers", "transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    tokenizer = Tokenizer.from_huggingface(path)
    assert tokenizer.decode(tokenizer.encode("12 naïve")) == "12 naïve"


def test_our_own_tokenizer_written_and_read_has_the_same_ids(tmp_path):
    vocab = {
        **{byte: bytes([byte]) for byte in range(256)},
        300: b"<|e|>",
        400: b" t",
        401: b" th",
        500: b"left over",
    }
    tokenizer = Tokenizer(vocab, [(b" ", b"t"), (b" t", b"h")], ["<|e|>", "<|e|><|e|>"])
    write_huggingface_tokenizer(tokenizer, tmp_path, context_length=7)
    again = Tokenizer.from_huggingface(tmp_path)
    text = "the <|e|><|e|> then<|e|> left over"
    assert again.encode(text) == tokenizer.encode(text)
    assert again.vocab == tokenizer.vocab
    assert again.special_token_ids == tokenizer.special_token_ids == {"<|e|>": 300, "<|e|><|e|>": 501}
