"""Files written by hand: what is read as the library reads it, and what is refused, by its name."""

import json
from typing import Any

import pytest
from tokenizers import Tokenizer as HuggingFaceTokenizer

from cs336_basics.tokenization import Tokenizer
from tests.unit.tokenization.interchange.huggingface_files import (
    BYTE_LEVEL,
    BYTES,
    VOCAB,
    added,
    content,
    sequence,
    write,
)

TEXT = {"Sequence": {"id": "A", "type_id": 0}}
BEGIN = {"SpecialToken": {"id": "<s>", "type_id": 0}}
FIRST, SECOND = added(258, "<s>"), added(259, "[x]", special=False)
NO_SPACE = {key: id for key, id in VOCAB.items() if key != "Ġ"}
WHOLE_WORD = {"vocab": {**VOCAB, "Ã©s": 258}, "ignore_merges": True}
SPARSE = {**BYTES, "ab": 400, "abc": 300, "<s>": 500}


def template(*single: dict[str, Any], ids: tuple[int, ...] = (258,)) -> dict[str, Any]:
    token = {"id": "<s>", "ids": ids, "tokens": ["<s>"]}
    fields = {"single": single, "pair": [TEXT, TEXT], "special_tokens": {"<s>": token}}
    return {"type": "TemplateProcessing", **fields}


def split(pattern: Any, *, behavior: str = "Isolated", invert: bool = False) -> dict[str, Any]:
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


READ = {
    "merges as strings": content(),
    "merges as pairs": content(model={"merges": [["a", "b"], ["ab", "c"]]}),
    "merges out of order": content(model={"merges": ["ab c", "a b"]}),
    "merge listed twice": content(
        model={"vocab": {**VOCAB, "bc": 258}, "merges": ["a b", "b c", "a b"]}, added_tokens=()
    ),
    "comment among the merges": content(model={"merges": ["#version: 0.2", "a b"]}),
    "ids with gaps": content(model={"vocab": SPARSE}, added_tokens=(added(500, "<s>"),)),
    "added token that is an entry": content(model={"vocab": {**VOCAB, "<s>": 258}}),
    "added token that is learned": content(added_tokens=(added(256, "ab"),)),
    "added tokens in turn": content(added_tokens=(FIRST, added(257, "abc"), added(259, "<t> é"))),
    "entry that no merge makes": content(model={"vocab": {**VOCAB, "Ã©": 258}}, added_tokens=()),
    "entry that is a whole word only": content(model=WHOLE_WORD, added_tokens=()),
    "normalized without a normalizer": content(added_tokens=(added(258, "<s>", normalized=True),)),
    "both kinds, which cannot overlap": content(added_tokens=(FIRST, SECOND | {"normalized": True})),
    "empty normalizer": content(normalizer={"type": "Sequence", "normalizers": []}),
    "unk_token that no byte needs": content(model={"unk_token": "abc", "fuse_unk": True}),
    "empty affixes": content(model={"continuing_subword_prefix": "", "end_of_word_suffix": ""}),
    "no dropout": content(model={"dropout": None}),
    "model without a type": content() | {"model": {"vocab": VOCAB, "merges": ["a b", "ab c"]}},
    "template that adds nothing": content(post_processor=template(TEXT)),
    "template that begins a text": content(post_processor=template(BEGIN, TEXT)),
    "sequence in a sequence": content(pre_tokenizer=sequence(sequence(BYTE_LEVEL))),
}


@pytest.mark.parametrize("case", READ)
def test_file_gives_the_ids_of_the_library(case, tmp_path):
    path = write(READ[case], tmp_path)
    peer = HuggingFaceTokenizer.from_file(str(path))
    tokenizer = Tokenizer.from_huggingface(path)
    for text in ("abcab<s>abc ab<t> é<s>[x]é", "bcabc", " <s> és ", "é", "és"):
        assert tokenizer.encode(text) == peer.encode(text, add_special_tokens=False).ids
    assert tokenizer.special_tokens == [token["content"] for token in READ[case]["added_tokens"]]


def test_byte_without_an_entry_is_refused_where_the_library_drops_it(tmp_path):
    tokenizer = Tokenizer.from_huggingface(
        write(content(model={"vocab": NO_SPACE}, added_tokens=()), tmp_path)
    )
    with pytest.raises(ValueError, match=r"0x20 in ' ' has none"):
        tokenizer.encode("a ")


SENTENCEPIECE = r"in the style of SentencePiece \({}\), .* --prompt-ids$"
REFUSED = {
    "byte_fallback": (content(model={"byte_fallback": True}), SENTENCEPIECE.format("byte_fallback")),
    "Unigram": (
        content(model={"type": "Unigram", "vocab": [["a", -1.0]]}), SENTENCEPIECE.format("Unigram"),
    ),
    "Metaspace": (
        content(pre_tokenizer={"type": "Metaspace", "replacement": "▁"}), SENTENCEPIECE.format("Metaspace"),
    ),
    "Prepend": (
        content(normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]}),
        SENTENCEPIECE.format("Prepend"),
    ),
    "WordPiece": (content(model={"type": "WordPiece"}), "the model 'WordPiece'"),
    "normalizer": (content(normalizer={"type": "NFC"}), "the normalizer NFC"),
    "pre-tokenizer": (content(pre_tokenizer={"type": "Whitespace"}), "the pre-tokenizer Whitespace"),
    "no pre-tokenizer": (content(pre_tokenizer=None), "does not end with its one ByteLevel"),
    "two ByteLevels": (content(pre_tokenizer=sequence(BYTE_LEVEL, BYTE_LEVEL)), "its one ByteLevel"),
    "decoder": (content(decoder={"type": "WordPiece"}), "the decoder WordPiece"),
    "no decoder": (content(decoder=None), "the decoder null"),
    "post-processor": (
        content(post_processor={"type": "RobertaProcessing"}), "the post-processor RobertaProcessing",
    ),
    "template that ends a text": (content(post_processor=template(TEXT, BEGIN)), "a template other than"),
    "two templates": (
        content(post_processor={"type": "Sequence", "processors": [template(TEXT), template(TEXT)]}),
        "with two templates",
    ),
    "template with another id": (
        content(post_processor=template(BEGIN, TEXT, ids=(1,))), "must be an added token and have its id",
    ),
    "template with an unknown token": (
        content(post_processor=template(BEGIN, TEXT), added_tokens=()), "must be an added token and have",
    ),
    "truncation": (content(truncation={"max_length": 5}), "a truncation"),
    "padding": (content(padding={}), "a padding"),
    "dropout": (content(model={"dropout": 0.1}), "a dropout of 0.1"),
    "unk_token": (content(model={"vocab": NO_SPACE, "unk_token": "ab"}), "the unk_token 'ab' for bytes"),
    "prefix": (content(model={"continuing_subword_prefix": "#"}), "the continuing_subword_prefix '#'"),
    "suffix": (content(model={"end_of_word_suffix": "</w>"}), "the end_of_word_suffix '</w>'"),
    "unknown field": (content(model={"sampling": 1}), "a model with 'sampling'"),
    "unknown part": (content(chat=1), "a content with 'chat'"),
    "lstrip": (content(added_tokens=(FIRST | {"lstrip": True},)), "the added token '<s>' with lstrip"),
    "rstrip": (content(added_tokens=(FIRST | {"rstrip": True},)), "the added token '<s>' with rstrip"),
    "single_word": (content(added_tokens=(FIRST | {"single_word": True},)), "'<s>' with single_word"),
    "both kinds, which overlap": (
        content(added_tokens=(FIRST, added(259, "s><t", normalized=True))), "'s><t' and '<s>', which",
    ),
    "both kinds, one in the other": (
        content(added_tokens=(FIRST, added(259, "s", normalized=True))), "'s' and '<s>', which overlap",
    ),
    "added token like bytes": (content(added_tokens=(added(258, "éé"),)), "'éé', which looks like bytes"),
    "id other than the library's": (
        content(added_tokens=(added(300, "<s>"),)), "the id 300, where the tokenizers package gives it 258",
    ),
    "id other than that of its entry": (
        content(model={"vocab": {**VOCAB, "<s>": 300}}), "the id 258, where .* package gives it 300",
    ),
    "id of another": (
        content(model={"vocab": {**BYTES, "ab": 258, "abc": 259}}), "the id 258 twice, for 'ab' and '<s>'",
    ),
    "entry that is no bytes": (
        content(model={"vocab": {**VOCAB, "日": 258}}, added_tokens=()), "the entry '日'",
    ),
    "merge that is no bytes": (
        content(model={"vocab": {**VOCAB, "日": 258, "日a": 259}, "merges": ["日 a"]}),
        "the merge '日 a', which is not spelled",
    ),
    "Split that removes": (
        content(pre_tokenizer=sequence(split({"Regex": "a"}, behavior="Removed"), BYTE_LEVEL)),
        "a Split with the behavior 'Removed'",
    ),
    "Split that is inverted": (
        content(pre_tokenizer=sequence(split({"Regex": "a"}, invert=True), BYTE_LEVEL)),
        "a Split with invert",
    ),
    "Split by a string": (
        content(pre_tokenizer=sequence(split({"String": "a"}), BYTE_LEVEL)),
        "a Split by {'String': 'a'} instead",
    ),
    "Split in another dialect": (
        content(pre_tokenizer=sequence(split({"Regex": "a$"}), BYTE_LEVEL)),
        r"a regular expression with '\$'",
    ),
}  # fmt: skip
DAMAGED = {
    "no JSON": ('{"version": \n oops}', "is no JSON in line 2"),
    "truncated": (json.dumps(content())[:300], "is no JSON in line 1"),
    "list": ([1], r"a content that is \[1\]"),
    "nested without end": ("[" * 200_000, "is nested too deeply"),
    "key twice": ('{"version": "1.0", "version": "1.0"}', "has 'version' twice"),
    "number of many digits": ('{"version": ' + "9" * 5000 + "}", "byte-level BPE but"),
    "no version": (content(version=None), "a version that is None"),
    "no model": (content() | {"model": None}, "a model that is None"),
    "model that is a list": (content() | {"model": [1]}, r"a model that is \[1\]"),
    "no vocab": (content(model={"vocab": None}), "a vocab that is None"),
    "empty vocab": (content(model={"vocab": {}}), "a vocab that is {}"),
    "id that is a string": (content(model={"vocab": {"a": "1"}}), "an id of 'a' that is '1'"),
    "id that is true": (content(model={"vocab": {"a": True}}), "an id of 'a' that is True"),
    "id below zero": (content(model={"vocab": {"a": -1}}), "an id of 'a' that is -1"),
    "id twice": (content(model={"vocab": {**BYTES, "ab": 97}}), "the id 97 twice, for 'a' and 'ab'"),
    "huge id": (
        content(model={"vocab": VOCAB | {"ab": 1 << 31}}, added_tokens=()), "ids must be below 2"
    ),
    "no merges": (content(model={"merges": None}), "a list of merges that is None"),
    "unknown piece": (content(model={"merges": ["ab d"]}), "the merge 'ab d', but no entry 'abd'"),
    "merge of three": (content(model={"merges": ["a b c"]}), "a merge that is 'a b c'"),
    "merge of one": (content(model={"merges": [["a"]]}), r"a merge that is \['a'\]"),
    "merge of nothing": (content(model={"merges": [["", "a"]]}), "no entry ''"),
    "merge that is a number": (content(model={"merges": [3]}), "a merge that is 3"),
    "flag that is a number": (content(model={"ignore_merges": 1}), "with ignore_merges that is 1"),
    "no added tokens": (content(added_tokens=None), "a list of added tokens that is None"),
    "string as added token": (content(added_tokens=("<s>",)), "an added token that is '<s>'"),
    "added token without text": (content(added_tokens=({"id": 258},)), "an added token that is {'id'"),
    "added token of nothing": (content(added_tokens=(added(258, ""),)), "at least one character"),
    "added token twice": (content(added_tokens=(FIRST, FIRST)), "'<s>' is given twice"),
    "half a character, added": (content(added_tokens=(added(258, "\ud800"),)), "a lone surrogate"),
    "half a character": (
        content(model={"vocab": {**VOCAB, "\ud800": 258}}, added_tokens=()), r"the entry '\\ud800'"
    ),
    "string as pre-tokenizer": (content(pre_tokenizer="ByteLevel"), "a pre_tokenizer that is 'ByteLevel'"),
    "empty sequence": (content(pre_tokenizer={"type": "Sequence"}), "a pre_tokenizer that is"),
    "no flag": (content(pre_tokenizer={"type": "ByteLevel"}), "a ByteLevel with add_prefix_space"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED | DAMAGED)
def test_what_is_damaged_or_would_be_done_otherwise_is_refused_by_name(case, tmp_path):
    wrong, message = (REFUSED | DAMAGED)[case]
    with pytest.raises(ValueError, match=message) as error:
        Tokenizer.from_huggingface(write(wrong, tmp_path))
    beginning = f"{tmp_path / 'tokenizer.json'} must be a tokenizer.json of byte-level BPE but "
    assert str(error.value).startswith(beginning)
    assert "\n" not in str(error.value)


def test_file_that_is_not_there_not_text_or_sentencepieces_is_said_to_be(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a tokenizer\.json but .* --prompt-ids"):
        Tokenizer.from_huggingface(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a")
    with pytest.raises(ValueError, match=SENTENCEPIECE.format("tokenizer.model")):
        Tokenizer.from_huggingface(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff{}")
    with pytest.raises(ValueError, match="must be UTF-8"):
        Tokenizer.from_huggingface(tmp_path)
