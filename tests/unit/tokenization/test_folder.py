"""Which files a folder's tokenizer is read from, and which are written."""

import pytest

from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.display.token_pieces import pieces_of
from cs336_basics.tokenization.folder import tokenizer_files
from tests.unit.tokenization.interchange.huggingface_files import BYTE_LEVEL, VOCAB, content, sequence, write

OURS = Tokenizer({**dict(enumerate(BYTE_TOKENS)), 256: b"<s>", 257: b"bc"}, [(b"b", b"c")], ["<s>"])
DIGITS = sequence({"type": "Digits", "individual_digits": True}, BYTE_LEVEL)


@pytest.fixture
def theirs(tmp_path):
    (tmp_path / "theirs").mkdir()
    return Tokenizer.from_huggingface(write(content(pre_tokenizer=DIGITS), tmp_path / "theirs"))


def test_folder_with_both_is_read_from_the_file_that_says_more(tmp_path):
    OURS.save_to_folder(tmp_path)
    assert tokenizer_files(tmp_path) == ("vocab.json", "merges.txt")
    assert Tokenizer.from_folder(tmp_path).encode("abc") == [97, 257]
    write(content(), tmp_path)
    assert tokenizer_files(tmp_path) == ("tokenizer.json",)
    assert Tokenizer.from_folder(tmp_path).encode("abc") == [257]


def test_two_files_are_not_written_where_they_would_not_be_read(tmp_path):
    write(content(), tmp_path)
    with pytest.raises(ValueError, match=r"must not have tokenizer\.json.* but .* has one; remove it"):
        OURS.save_to_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


@pytest.mark.parametrize(
    ("special_tokens", "message"),
    [
        (["<s>", "bc"], r"read as ordinary text but 'bc' is a special token as well; choose another"),
        (["<s>", "b"], r"read as ordinary text but 'b' is a special token"),
        ([], r"read as a special token but '<s>', entry 256, is none here; make it one"),
    ],
)
def test_special_tokens_that_would_not_come_back_are_refused(tmp_path, special_tokens, message):
    tokenizer = Tokenizer(OURS.vocab, OURS.merges, special_tokens)
    with pytest.raises(ValueError, match=message):
        tokenizer.save_to_folder(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
    tokenizer.save(tmp_path / "vocab.json", tmp_path / "merges.txt")
    loaded = Tokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt", special_tokens)
    assert loaded.special_token_ids == tokenizer.special_token_ids


def test_tokenizer_json_is_written_again_and_not_as_two_files(theirs, tmp_path):
    theirs.save_to_folder(tmp_path / "a" / "b")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["tokenizer.json"]
    assert Tokenizer.from_folder(tmp_path / "a" / "b").definition == theirs.definition
    with pytest.raises(ValueError, match=r"comes from a tokenizer\.json.* save_to_folder"):
        theirs.save(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert not (tmp_path / "vocab.json").exists()


def test_tiktoken_gets_gpt2s_way_only(theirs, tmp_path):
    with pytest.raises(ValueError, match=r"other rules from a tokenizer\.json; export to Hugging Face"):
        theirs.to_tiktoken()
    gpt2 = Tokenizer.from_huggingface(write(content(), tmp_path))
    assert gpt2.to_tiktoken().encode("abc<s> 12", allowed_special="all") == gpt2.encode("abc<s> 12")
    whole_words = content(model={"ignore_merges": True, "vocab": {**VOCAB, "Ã©": 258}}, added_tokens=())
    with pytest.raises(ValueError, match="and merged, but"):
        Tokenizer.from_huggingface(write(whole_words, tmp_path)).to_tiktoken()


@pytest.mark.parametrize("add_prefix_space", [False, True])
def test_display_shows_the_pretokens_of_the_file(add_prefix_space, tmp_path):
    pre_tokenizer = sequence(DIGITS["pretokenizers"][0], BYTE_LEVEL | {"add_prefix_space": add_prefix_space})
    tokenizer = Tokenizer.from_huggingface(write(content(pre_tokenizer=pre_tokenizer), tmp_path))
    pieces = pieces_of(tokenizer, "abc 12<s>x")
    space = " " if add_prefix_space else ""
    assert [piece.text for piece in pieces] == [
        *([" abc", " ", " 1", " 2"] if add_prefix_space else ["abc", " ", "1", "2"]),
        "<s>",
        f"{space}x",
    ]
    assert [id for piece in pieces for id in piece.ids] == tokenizer.encode("abc 12<s>x")
