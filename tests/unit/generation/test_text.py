import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cs336_basics.generation.decoding import generate
from cs336_basics.generation.text import (
    complete_texts,
    decode_stream,
    prompt_ids,
    seeded_generator,
    stream_text,
)
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.huggingface_folder import write_huggingface_tokenizer


@pytest.fixture
def tokenizer():
    return Tokenizer(dict(enumerate(BYTE_TOKENS)), [], [END_OF_TEXT])


@pytest.fixture
def model():
    return TransformerLM(vocab_size=257, context_length=11, d_model=8, num_layers=1, num_heads=2, d_ff=13)


def complete(model, tokenizer, prompts, **changes):
    settings = {"max_new_tokens": 7, "temperature": 1.0, "top_p": 1.0, "seed": 3, **changes}
    return complete_texts(model, tokenizer, prompts, **settings)


def test_each_prompt_is_continued_as_generate_continues_its_ids(model, tokenizer):
    texts = complete(model, tokenizer, ["ab", "a longer prompt"], temperature=0.0)
    for prompt, text in zip(["ab", "a longer prompt"], texts, strict=True):
        ids = generate(model, list(prompt.encode()), 7, temperature=0.0, stop_token_id=256)
        assert text == tokenizer.decode(ids)


def test_streamed_pieces_join_to_the_completed_text(model, tokenizer):
    for overflow in ("recompute", "half"):
        options = {"max_new_tokens": 23, "temperature": 1.0, "top_p": 0.9, "overflow": overflow}
        pieces = stream_text(model, tokenizer, "ab", generator=seeded_generator(model, 3), **options)
        assert ["".join(pieces)] == complete(model, tokenizer, ["ab"], **options)


def test_a_generator_goes_on_from_one_streamed_text_to_the_next(model, tokenizer):
    options = {"max_new_tokens": 7, "temperature": 1.0, "top_p": 1.0}
    generator = seeded_generator(model, 3)
    first, second = (
        list(stream_text(model, tokenizer, "ab", generator=generator, **options)) for _ in range(2)
    )
    assert first != second


def test_characters_come_when_they_are_whole(tokenizer):
    ids = iter([*"aé日".encode(), *b"b\xf0\x9f"])
    pieces = decode_stream(tokenizer, ids)
    assert next(pieces) == "a"
    assert next(pieces) == "é"
    assert next(pieces) == "日"
    assert list(ids)[:1] == [ord("b")]


def test_what_never_becomes_a_character_comes_at_the_end(tokenizer):
    assert list(decode_stream(tokenizer, b"b\xf0\x9f")) == ["b", "\ufffd"]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(["a", "é", "日", "\U0001f600", "\x00"])), st.binary(max_size=7))
def test_decode_stream_is_decode(words, rest):
    tokenizer = Tokenizer(dict(enumerate(BYTE_TOKENS)), [], [END_OF_TEXT])
    for ids in ([*"".join(words).encode(), *rest, 256], [*rest, *"".join(words).encode()]):
        assert "".join(decode_stream(tokenizer, ids)) == tokenizer.decode(ids)


def test_an_id_that_the_tokenizer_lacks_is_refused(tokenizer):
    with pytest.raises(ValueError, match="vocabulary of size 257 but one is 257"):
        list(decode_stream(tokenizer, [257]))


def test_the_seed_alone_decides(model, tokenizer):
    first = complete(model, tokenizer, ["ab"])
    torch.manual_seed(99)
    assert complete(model, tokenizer, ["ab"]) == first
    assert complete(model, tokenizer, ["ab"], seed=4) != first


@pytest.mark.parametrize("seed", [-(1 << 63) - 1, 1 << 64])
def test_a_seed_that_torch_cannot_take_is_refused(model, seed):
    with pytest.raises(ValueError, match=rf"must lie in -2\^63\.\.2\^64 - 1 but is {seed}; choose"):
        seeded_generator(model, seed)


def test_a_continuation_ends_where_the_document_ends(model, tokenizer):
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.weight[256] = model.ln_final.weight * 50
        model.token_embeddings.weight.fill_(1.0)
    assert complete(model, tokenizer, ["ab"], temperature=0.0) == [""]


def test_an_empty_prompt_begins_a_new_document(tokenizer):
    assert prompt_ids(tokenizer, "") == [256]
    with pytest.raises(ValueError, match="give some text to start with"):
        prompt_ids(Tokenizer(dict(enumerate(BYTE_TOKENS)), []), "")


def test_a_token_that_begins_every_text_is_put_in_front_of_a_prompt(tokenizer, tmp_path):
    write_huggingface_tokenizer(tokenizer, tmp_path, context_length=5)
    file = tmp_path / "tokenizer.json"
    content = json.loads(file.read_text())
    special = {"SpecialToken": {"id": END_OF_TEXT, "type_id": 0}}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [special, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [special, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {END_OF_TEXT: {"id": END_OF_TEXT, "ids": [256], "tokens": [END_OF_TEXT]}},
    }
    file.write_text(json.dumps(content))
    assert prompt_ids(Tokenizer.from_huggingface(file), "ab") == [256, 97, 98]
    assert prompt_ids(Tokenizer.from_huggingface(file), "") == [256]


def test_a_text_ends_at_the_stop_tokens_that_are_given(model, tokenizer):
    (whole,) = complete(model, tokenizer, ["ab"], temperature=0.0)
    ids = generate(model, [97, 98], 7, temperature=0.0)
    stopped = complete(model, tokenizer, ["ab"], temperature=0.0, stop_token_id=[ids[2], 256])
    assert stopped == [tokenizer.decode(ids[: ids.index(ids[2])])]
    assert stopped != [whole]
