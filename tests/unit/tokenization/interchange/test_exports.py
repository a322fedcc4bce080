"""The exported objects give the same ids and texts, on text whose code points both sides classify alike."""

import random
import sys
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HuggingFaceTokenizer

from cs336_basics.tokenization import Tokenizer, train_bpe
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.exports import to_huggingface, to_tiktoken
from tests.unit.tokenization.references import BOUNDED, SPECIAL_TOKENS, adversarial_text, real_text

END = "<|endoftext|>"
BYTES = dict(enumerate(BYTE_TOKENS))
A_B = [(b"a", b"b")]
common_text = st.lists(
    st.text(st.characters(max_codepoint=0x17F, exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from([END, "'re", "  ", " the", " naïve", "日本語", "привет", "\r\n", "😀", "don't"])
).map("".join)


class Peer(NamedTuple):
    """A tokenizer of another library, made from one of ours."""

    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]


def tiktoken_peer(tokenizer: Tokenizer) -> Peer:
    encoding = to_tiktoken(tokenizer.definition)
    return Peer(lambda text: encoding.encode(text, allowed_special="all"), encoding.decode)


def huggingface_peer(tokenizer: Tokenizer) -> Peer:
    peer = to_huggingface(tokenizer.definition)
    return Peer(lambda text: peer.encode(text).ids, lambda ids: peer.decode(ids, skip_special_tokens=False))


MAKERS = [tiktoken_peer, huggingface_peer]
make_each_peer = pytest.mark.parametrize("make_peer", MAKERS)


@pytest.fixture(scope="module")
def merges(tmp_path_factory):
    path = tmp_path_factory.mktemp("interchange") / "text.txt"
    path.write_bytes((real_text()[:200_000] + "naïve привет 日本語 😀 中中 '((.*  " * 50).encode())
    return train_bpe(path, 1500, [])[1]


def with_ids(special_tokens, merges, *, specials_first=True):
    """Return a tokenizer whose special tokens have the lowest ids, as from `train_bpe`, or the highest."""
    learned = [*BYTE_TOKENS, *(left + right for left, right in merges)]
    encoded = [token.encode() for token in special_tokens]
    vocab = dict(enumerate(encoded + learned if specials_first else learned + encoded))
    return Tokenizer(vocab, merges, special_tokens)


@pytest.fixture(scope="module", params=MAKERS)
def tokenizer_and_peer(request, merges):
    tokenizer = with_ids([END], merges, specials_first=False)
    return tokenizer, request.param(tokenizer)


@pytest.fixture(scope="module", params=MAKERS)
def tokenizer_and_peer_with_special_tokens(request, merges):
    special_tokens = list(SPECIAL_TOKENS)
    if request.param is tiktoken_peer:
        special_tokens.remove("<|e|>")  # the beginning of another
    tokenizer = with_ids(special_tokens, merges)
    return tokenizer, request.param(tokenizer)


def test_ids_of_real_text_are_equal(tokenizer_and_peer):
    tokenizer, peer = tokenizer_and_peer
    text = real_text()
    ids = tokenizer.encode(text)
    assert peer.encode(text) == ids
    assert peer.decode(ids) == text


@BOUNDED
@given(common_text)
def test_ids_of_common_text_are_equal(tokenizer_and_peer, text):
    tokenizer, peer = tokenizer_and_peer
    assert peer.encode(text) == tokenizer.encode(text)


@BOUNDED
@given(st.data())
def test_texts_of_any_ids_are_equal(tokenizer_and_peer, data):
    tokenizer, peer = tokenizer_and_peer
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=20))
    assert peer.decode(ids) == tokenizer.decode(ids)


@BOUNDED
@given(adversarial_text)
def test_ids_with_special_tokens_that_overlap_or_hold_white_space_are_equal(
    tokenizer_and_peer_with_special_tokens, text
):
    tokenizer, peer = tokenizer_and_peer_with_special_tokens
    ids = tokenizer.encode(text)
    assert peer.encode(text) == ids
    assert peer.decode(ids) == tokenizer.decode(ids)


@make_each_peer
@pytest.mark.parametrize("special_tokens", [[], ["a\nb", "(?:a|b)*", ".*"], ["日 本", "(日é"], ["b a"]])
def test_ids_with_every_kind_of_special_token_are_equal(make_peer, special_tokens):
    tokenizer = with_ids(special_tokens, [*A_B, (b" ", b"b")])
    peer = make_peer(tokenizer)
    for pieces in product(["a", "b", " ", "日 本", "(日é", "(?:a|b)*", "\n", ".*"], repeat=3):
        text = "".join(pieces)
        assert peer.encode(text) == tokenizer.encode(text)
        assert peer.decode(tokenizer.encode(text)) == text


def test_special_token_with_the_bytes_of_a_learned_token_keeps_its_own_id():
    special_tokens = [" t", "a", "."]
    tokenizer = with_ids(special_tokens, [(b" ", b"t"), (b".", b"a")])
    tiktoken = to_tiktoken(tokenizer.definition)
    for text in ("a t.a", "\tx", " "):
        assert tiktoken.encode(text, allowed_special="all") == tokenizer.encode(text)
        assert tiktoken.encode_ordinary(text) == Tokenizer(tokenizer.vocab, tokenizer.merges).encode(text)
    tokenizer = with_ids([" t", " é"], [(b" ", b"t")])
    text = " t é\tté"
    assert huggingface_peer(tokenizer).encode(text) == tokenizer.encode(text)


@make_each_peer
def test_special_token_that_shares_its_entry_with_a_byte_is_special(make_peer):
    tokenizer = Tokenizer({**BYTES, 256: b"ab", 257: b"aba"}, [*A_B, (b"ab", b"a")], ["b"])
    assert tokenizer.encode("aba") == make_peer(tokenizer).encode("aba") == [97, 98, 97]


def random_tokenizer(generator: random.Random) -> Tokenizer:
    """Return merges as no training gives them: in any order, of anything, some making the same bytes."""
    symbols, merges = [b"a", b"b"], []
    for _ in range(generator.randint(1, 5)):
        merges.append((generator.choice(symbols), generator.choice(symbols)))
        symbols.append(b"".join(merges[-1]))
    products = list(dict.fromkeys(symbols[2:]))
    if generator.random() < 0.3:
        generator.shuffle(merges)
    if generator.random() < 0.3:
        generator.shuffle(products)
    return Tokenizer(dict(enumerate([*BYTE_TOKENS, *products])), merges)


@make_each_peer
def test_any_merges_are_refused_or_give_equal_ids(make_peer):
    words = ["".join(letters) for length in range(1, 9) for letters in product("ab", repeat=length)]
    text = "\n".join(words)
    generator = random.Random(5)
    accepted = 0
    for _ in range(100):
        tokenizer = random_tokenizer(generator)
        try:
            peer = make_peer(tokenizer)
        except ValueError:
            continue
        accepted += 1
        assert peer.encode(text) == tokenizer.encode(text)
    assert accepted == 100 if make_peer is huggingface_peer else 20 < accepted < 80


TIKTOKEN_REFUSES = {
    "missing byte": ({id: token for id, token in BYTES.items() if id != 0xE4}, [], [], "but 0xe4 has none"),
    "entry that is nothing": ({**BYTES, 256: b"<a>"}, [], [], r"entry 256 \(b'<a>'\) is none of these"),
    "entry hidden by another with its bytes": (
        {0: b"a", **{1 + byte: bytes([byte]) for byte in range(256)}}, [], [], r"entry 0 \(b'a'\) is none",
    ),
    "ids out of order": (
        {**BYTES, 257: b"ab", 256: b"bc"}, [(b"a", b"b"), (b"b", b"c")], [],
        r"merge 1 makes entry 256 \(b'bc'\) after entry 257",
    ),
    "merge given twice": ({**BYTES, 256: b"ab"}, A_B * 2, [], r"merge 1 makes entry 256 \(b'ab'\) after"),
    "two merges to the same bytes": (
        {**BYTES, 256: b"ab", 257: b"bc", 258: b"abc"},
        [*A_B, (b"b", b"c"), (b"ab", b"c"), (b"a", b"bc")], [],
        r"merge 3 makes entry 258 \(b'abc'\) after entry 258",
    ),
    "merge that its own bytes never reach": (
        {**BYTES, 256: b"bc", 257: b"ab", 258: b"abc"}, [(b"b", b"c"), *A_B, (b"ab", b"c")], [],
        r"entry 258 \(b'abc'\) merges to 2 tokens",
    ),
    "beginning of another special token": (BYTES, [], ["<b>", "<a>", "<a><b>"], "'<a>' begins '<a><b>'"),
}  # fmt: skip
HUGGING_FACE_REFUSES = {
    "missing byte": TIKTOKEN_REFUSES["missing byte"],
    "special token like bytes": (BYTES, [], ["éé"], r"entry 256 \('éé'\) does"),
    "special token like another entry": (BYTES, [], ["é"], "'é', the text of special token 256, already"),
    "special token that is a byte": (BYTES, [], [" "], r"' ' shares entry 32"),
    "special token that is learned": ({**BYTES, 256: b" t"}, [(b" ", b"t")], [" t"], "' t' shares entry 256"),
}


@pytest.mark.parametrize("case", TIKTOKEN_REFUSES)
def test_tiktoken_is_refused_what_it_would_read_otherwise(case):
    vocab, merges, special_tokens, message = TIKTOKEN_REFUSES[case]
    with pytest.raises(ValueError, match=message):
        tiktoken_peer(Tokenizer(vocab, merges, special_tokens))


@pytest.mark.parametrize("case", HUGGING_FACE_REFUSES)
def test_hugging_face_is_refused_what_it_would_read_otherwise(case):
    vocab, merges, special_tokens, message = HUGGING_FACE_REFUSES[case]
    with pytest.raises(ValueError, match=message):
        huggingface_peer(Tokenizer(vocab, merges, special_tokens))


def test_hugging_face_takes_what_tiktoken_cannot():
    vocab = {**BYTES, 300: b"ab", 299: b"<a>", 298: b"bc", 500: b"abc"}
    tokenizer = Tokenizer(vocab, [(b"b", b"c"), *A_B * 2, (b"ab", b"c")], ["<s>", "<s><s>"])
    peer = huggingface_peer(tokenizer)
    text = "abc<s>ab<s><s><a>bcab<s><s><s>"
    ids = tokenizer.encode(text)
    assert peer.encode(text) == ids
    assert peer.decode([*ids, 299]) == f"{text}<a>"


def test_hugging_face_object_survives_its_own_file(merges, tmp_path):
    tokenizer = with_ids([END], merges)
    peer = to_huggingface(tokenizer.definition)
    peer.save(str(tmp_path / "tokenizer.json"))
    loaded = HuggingFaceTokenizer.from_file(str(tmp_path / "tokenizer.json"))
    text = real_text()[:5000] + END
    assert loaded.encode(text).ids == tokenizer.encode(text)


@pytest.mark.parametrize(
    ("make_peer", "package", "extra"),
    [(tiktoken_peer, "tiktoken", "tiktoken"), (huggingface_peer, "tokenizers", "huggingface")],
)
def test_missing_library_is_an_import_error_with_its_remedy(monkeypatch, make_peer, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{package} cannot be .* uv sync --extra {extra}"):
        make_peer(Tokenizer(BYTES, []))
