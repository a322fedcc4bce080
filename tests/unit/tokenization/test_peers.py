"""Other libraries, built from our own vocabulary and files, give the same ids.

Only on text whose code points all libraries classify alike: each has its own Unicode tables.
"""

import pytest
import tiktoken
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

from cs336_basics.tokenization import Tokenizer, train_bpe
from tests.unit.tokenization.references import BOUNDED, GPT2_ORIGINAL, real_text

END = "<|endoftext|>"
common_text = st.lists(
    st.text(st.characters(max_codepoint=0x17F, exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from([END, "'re", "  ", " the", " naïve", "日本語", "привет", "\r\n", "😀", "don't"])
).map("".join)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("peers") / "text.txt"
    path.write_bytes((real_text() + "naïve привет 日本語 😀 " * 50).encode())
    return Tokenizer(*train_bpe(path, 2000, [END]), [END])


@pytest.fixture(scope="module")
def tiktoken_encoding(tokenizer):
    ranks = {token: id for id, token in tokenizer.vocab.items() if id != 0}
    return tiktoken.Encoding("ours", pat_str=GPT2_ORIGINAL, mergeable_ranks=ranks, special_tokens={END: 0})


@pytest.fixture(scope="module")
def hugging_face(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    tokenizer.save(folder / "vocab.json", folder / "merges.txt")
    peer = tokenizers.Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    peer.decoder = decoders.ByteLevel()
    peer.add_special_tokens([END])
    return peer


def test_ids_of_real_text_equal_those_of_tiktoken(tokenizer, tiktoken_encoding):
    text = real_text()
    assert tokenizer.encode(text) == tiktoken_encoding.encode(text, allowed_special="all")


def test_ids_of_real_text_equal_those_of_hugging_face(tokenizer, hugging_face):
    text = real_text()
    assert tokenizer.encode(text) == hugging_face.encode(text).ids


@BOUNDED
@given(common_text)
def test_ids_of_common_text_equal_those_of_tiktoken(tokenizer, tiktoken_encoding, text):
    ids = tokenizer.encode(text)
    assert ids == tiktoken_encoding.encode(text, allowed_special="all")
    assert tokenizer.decode(ids) == tiktoken_encoding.decode(ids)


@BOUNDED
@given(common_text)
def test_ids_of_common_text_equal_those_of_hugging_face(tokenizer, hugging_face, text):
    ids = tokenizer.encode(text)
    assert ids == hugging_face.encode(text).ids
    assert tokenizer.decode(ids) == hugging_face.decode(ids, skip_special_tokens=False)
