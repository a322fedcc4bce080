"""The page as a file: what it holds, and that nothing in it runs or fetches but its own script."""

import base64
import dataclasses
import hashlib

import numpy as np
import pytest
import torch

from cs336_basics import Tokenizer
from cs336_basics.inspection.forward_record import ForwardRecord, record_forward_pass
from cs336_basics.inspection.page import SCRIPTS, render_page, template_file, write_page
from cs336_basics.inspection.page_data import LARGEST_MAPS, base64_size, check_size, page_data
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from tests.unit.inspection.page_reading import PageReader, decoded_map
from tests.unit.inspection.test_forward_record import PLAIN, built

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><img src=x onerror=alert(1)>",
    "\u2028&lt;\x00\ud7ff",
]
HARMLESS = ["aa", "bb", "cc", "dd"]


def tokenizer_with(special_tokens: list[str]) -> Tokenizer:
    return Tokenizer(dict(enumerate(BYTE_TOKENS)), [], special_tokens)


def record_of(tokenizer: Tokenizer, ids: list[int]) -> ForwardRecord:
    config = dataclasses.replace(PLAIN, vocab_size=tokenizer.vocab_size, context_length=64)
    return record_forward_pass(built(config, torch.float32), torch.tensor(ids))


def read(tokenizer: Tokenizer, text: str, source: str = "a run") -> tuple[PageReader, ForwardRecord]:
    ids = tokenizer.encode(text)
    record = record_of(tokenizer, ids)
    return PageReader(render_page(page_data(record, ids, tokenizer, source=source))), record


def test_the_data_of_the_page_is_that_of_the_record():
    tokenizer = tokenizer_with(HARMLESS)
    page, record = read(tokenizer, "x é\n")
    data = page.data
    assert data["source"] == "a run"
    assert data["vocabSize"] == 260
    assert data["tokens"] == [
        {"id": id, "text": text}
        for id, text in zip(b"x \xc3\xa9\n", ["x", "␣", "<C3>", "<A9>", "⏎"], strict=True)
    ]
    assert data["signs"] == ["␣ space", "⏎ newline", "<C3> a byte that is part of a character"]
    assert data["losses"] == [None, *record.losses.tolist()]
    assert data["streamNorms"] == record.stream_norms.tolist()
    for position, guesses in enumerate(data["likeliest"]):
        assert [guess["id"] for guess in guesses] == record.likeliest_ids[position].tolist()
        expected = record.likeliest_probabilities[position].tolist()
        assert [guess["probability"] for guess in guesses] == expected
    maps = np.array([[decoded_map(head, 5) for head in layer] for layer in data["attention"]])
    np.testing.assert_allclose(maps, record.attention_weights.numpy(), rtol=0, atol=2**-12)


def test_markup_in_tokens_and_names_stays_data():
    hostile, _ = read(tokenizer_with(HOSTILE), "<b>" + "".join(HOSTILE), source=HOSTILE[0])
    harmless, _ = read(tokenizer_with(HARMLESS), "<b>" + "".join(HARMLESS))
    hashes = [("meta", {"http-equiv": "Content-Security-Policy", "content": harmless.policy})]
    assert [tag for tag in hostile.tags if tag not in hashes] == [
        tag for tag in harmless.tags if tag not in hashes
    ]
    assert hostile.contents.keys() == harmless.contents.keys() == {"style", "script", "data"}
    assert [token["text"] for token in hostile.data["tokens"]][:5] == ["<", "b", ">", *HOSTILE[:2]]
    assert hostile.data["source"] == HOSTILE[0]
    assert not set("<>&") & set(hostile.contents["data"])


def test_only_the_pages_own_style_and_script_are_allowed():
    page, _ = read(tokenizer_with(HARMLESS), "abc")
    hashes = {
        name: base64.b64encode(hashlib.sha256(page.contents[name].encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert page.policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'"
    )
    for name in ("page.html", "page.css", *SCRIPTS):
        for word in ("://", "url(", "@import", "src=", "fetch(", "innerHTML"):
            assert word not in template_file(name), name


def test_a_page_of_256_tokens_4_layers_and_16_heads_takes_less_than_10_megabytes(tmp_path):
    tokenizer, seq = tokenizer_with([]), 256
    weights = torch.rand(4, 16, seq, seq).tril()
    record = ForwardRecord(
        logits=torch.randn(seq, 10_000),
        losses=torch.rand(seq - 1),
        likeliest_ids=torch.randint(256, (seq, 5)),
        likeliest_probabilities=torch.rand(seq, 5),
        attention_weights=weights / weights.sum(-1, keepdim=True),
        stream_norms=torch.rand(5, seq),
    )
    write_page(tmp_path / "page.html", page_data(record, [60] * seq, tokenizer, source="a run"))
    size = (tmp_path / "page.html").stat().st_size
    assert base64_size(4, 16, seq) < size < 10e6
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_an_entry_that_the_tokenizer_lacks_is_shown_as_such():
    tokenizer = tokenizer_with(["<|endoftext|>"])
    smaller = tokenizer_with([])
    ids = [256, 97]
    data = page_data(record_of(tokenizer, ids), ids, smaller, source="a run")
    assert [token["text"] for token in data["tokens"]] == ["<no entry>", "a"]


def test_maps_that_are_too_large_for_a_page_are_refused_with_what_would_fit():
    check_size(num_layers=4, num_heads=16, seq=256)
    with pytest.raises(ValueError, match=r"take 91,637 MB for 8,192 tokens; give at most 442$"):
        check_size(num_layers=32, num_heads=32, seq=8192)
    assert base64_size(32, 32, 442) <= LARGEST_MAPS < base64_size(32, 32, 443)
