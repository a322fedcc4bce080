import json
import re

import pytest

from cs336_basics.tokenization import Tokenizer
from tests.unit.tokenization.references import real_text, small_vocabulary

BYTES = {byte: bytes([byte]) for byte in range(256)}


@pytest.fixture
def paths(tmp_path):
    return tmp_path / "vocab.json", tmp_path / "merges.txt"


def write(paths, vocab, merges):
    paths[0].write_text(vocab if isinstance(vocab, str) else json.dumps(vocab), encoding="utf-8")
    paths[1].write_bytes(merges.encode())
    return paths


def test_saved_tokenizer_loads_equal(paths):
    special_tokens = ["<|endoftext|>", "<new\nline>", " .* ", "<|日本|>"]
    tokenizer = Tokenizer(*small_vocabulary([]), special_tokens)
    tokenizer.save(paths[0], paths[1])
    loaded = Tokenizer.from_files(paths[0], paths[1], special_tokens)
    assert loaded.vocab == tokenizer.vocab
    assert loaded.merges == tokenizer.merges
    assert loaded.special_token_ids == tokenizer.special_token_ids
    text = real_text()[:3000] + "".join(special_tokens)
    assert loaded.encode(text) == tokenizer.encode(text)


def test_saved_files_are_in_gpt2s_format(paths):
    tokenizer = Tokenizer(
        {**BYTES, 256: b" t", 257: b" th"}, [(b" ", b"t"), (b" t", b"h")], ["<|end of\ntext|>"]
    )
    tokenizer.save(paths[0], paths[1])
    assert paths[1].read_bytes() == "#version: 0.2\nĠ t\nĠt h\n".encode()
    keys = json.loads(paths[0].read_text(encoding="utf-8"))
    assert len(keys) == 259
    assert [keys[key] for key in ("A", "Ġ", "Ċ", "Ġth", "<|end of\ntext|>")] == [65, 32, 10, 257, 258]


def test_from_files_takes_as_special_what_is_neither_byte_nor_product(paths):
    special_tokens = ["<|endoftext|>", "<new\nline>", "<日本>", " "]
    Tokenizer({**BYTES, 256: b" t"}, [(b" ", b"t")], special_tokens).save(paths[0], paths[1])
    loaded = Tokenizer.from_files(*paths)
    # " " is a byte as well, so it has no entry of its own.
    assert loaded.special_token_ids == {"<|endoftext|>": 257, "<new\nline>": 258, "<日本>": 259}
    assert Tokenizer.from_files(paths[0], paths[1], special_tokens).special_token_ids[" "] == 32


def test_from_files_with_an_empty_list_has_no_special_tokens(paths):
    Tokenizer(BYTES, [], ["<a>"]).save(paths[0], paths[1])
    loaded = Tokenizer.from_files(paths[0], paths[1], [])
    assert loaded.special_tokens == []
    assert loaded.encode("<a>") == list(b"<a>")
    assert loaded.decode([256]) == "<a>"


def test_from_files_adds_special_tokens_that_the_files_lack(paths):
    Tokenizer(BYTES, []).save(paths[0], paths[1])
    assert Tokenizer.from_files(paths[0], paths[1], ["<a>"]).special_token_ids == {"<a>": 256}


@pytest.mark.parametrize("special_token", ["é", "Ġt", "Ġ"])
def test_save_refuses_a_special_token_that_would_be_read_as_another_entry(paths, special_token):
    tokenizer = Tokenizer({**BYTES, 256: b" t"}, [(b" ", b"t")], [special_token])
    with pytest.raises(ValueError, match=f"'{special_token}', the text of special token 257, already"):
        tokenizer.save(paths[0], paths[1])
    assert not paths[0].exists()
    assert not paths[1].exists()


def test_save_keeps_a_special_token_apart_from_the_learned_token_with_its_bytes(paths):
    tokenizer = Tokenizer(
        {0: b" t", **{1 + byte: bytes([byte]) for byte in range(256)}, 257: b" t"}, [(b" ", b"t")]
    )
    tokenizer.save(paths[0], paths[1])
    loaded = Tokenizer.from_files(*paths)
    assert loaded.vocab == tokenizer.vocab
    assert loaded.special_token_ids == {" t": 0}


def test_save_refuses_two_entries_with_the_same_text(paths):
    with pytest.raises(ValueError, match="'<a>', the text of special token 257, already"):
        Tokenizer({**BYTES, 256: b"<a>", 257: b"<a>"}, []).save(paths[0], paths[1])


def test_save_refuses_an_entry_that_has_no_text(paths):
    with pytest.raises(ValueError, match=r"entry 256 is b'\\xff\\xfe'"):
        Tokenizer({**BYTES, 256: b"\xff\xfe"}, []).save(paths[0], paths[1])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("header", ["", "#version: 0.2"])
def test_merges_load_with_and_without_header_and_with_either_line_end(paths, header, ending):
    vocab = {"a": 0, "#": 1, "##": 2, "#a": 3}
    lines = ([header] if header else []) + ["# #", "# a"]
    loaded = Tokenizer.from_files(*write(paths, vocab, ending.join(lines) + ending))
    assert loaded.merges == [(b"#", b"#"), (b"#", b"a")]


@pytest.mark.parametrize(
    ("line", "number"), [("ab", 3), ("a b c", 3), ("a  b", 3), (" a", 3), ("a ", 3), ("a \u2028", 3), ("", 3)]
)
def test_merges_file_with_a_bad_line_names_it(paths, line, number):
    vocab = {"a": 0, "b": 1, "ab": 2}
    write(paths, vocab, f"#version: 0.2\na b\n{line}\na b\n")
    with pytest.raises(ValueError, match=re.escape(f"merges.txt line {number} is {line!r}; give")):
        Tokenizer.from_files(*paths)


@pytest.mark.parametrize(
    ("vocab", "message"),
    [
        ('{"a": 0,\n "b" 1}', r"vocab\.json line 2 has an error"),
        ("[1, 2]", "must map tokens to ids"),
        ("{}", "must map tokens to ids"),
        ('{"a": "0"}', "must map tokens to ids"),
        ('{"a": true}', "must map tokens to ids"),
        ('{"a": -1}', "must map tokens to ids"),
        ('{"a": 0, "b": 0}', r"vocab\.json must give each id once but has 0 twice"),
        ('{"a": 0, "\\ud800": 1}', r"vocab\.json must be valid Unicode"),
        ('{"a": 0, "b": 1, "a": 2}', r"vocab\.json has 'a' twice in one object; give"),
        ("[" * 100_000, r"vocab\.json is nested too deeply; give"),
    ],
    ids=range(10),
)
def test_vocabulary_file_that_is_malformed_is_refused(paths, vocab, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_files(*write(paths, vocab, "#version: 0.2\n"))


def test_files_that_do_not_belong_together_are_refused(paths):
    with pytest.raises(ValueError, match="use the merges that belong to it"):
        Tokenizer.from_files(*write(paths, {"a": 0, "b": 1}, "a b\n"))


def test_files_that_are_missing_or_empty_or_latin1_are_refused(paths):
    with pytest.raises(FileNotFoundError, match=r"vocab\.json"):
        Tokenizer.from_files(*paths)
    paths[0].touch()
    with pytest.raises(ValueError, match=r"vocab\.json is empty"):
        Tokenizer.from_files(*paths)
    paths[0].write_text('{"a": 0}')
    with pytest.raises(FileNotFoundError, match=r"merges\.txt"):
        Tokenizer.from_files(*paths)
    paths[1].write_bytes(b"a \xe9\n")
    with pytest.raises(ValueError, match=r"merges\.txt has byte 0xe9 at position 2"):
        Tokenizer.from_files(*paths)
