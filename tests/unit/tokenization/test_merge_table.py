import pytest

from cs336_basics.tokenization import merge_table
from cs336_basics.tokenization.merge_table import MergeTable, PretokenCache

BYTES = {byte: bytes([byte]) for byte in range(256)}


def test_merge_table_refuses_merges_that_do_not_belong_to_the_vocabulary():
    with pytest.raises(ValueError, match=r"merge 1 \(b'c' \+ b'd'\) needs b'cd'"):
        MergeTable({**BYTES, 256: b"ab"}, [(b"a", b"b"), (b"c", b"d")])
    with pytest.raises(ValueError, match=r"needs b'xy', which the vocabulary lacks"):
        MergeTable({**BYTES, 256: b"xyz"}, [(b"xy", b"z")])


def test_merge_table_gives_an_entry_only_if_its_bytes_merge_to_it():
    # b"abc" is an entry, but (b, c) comes first and nothing joins a and bc.
    table = MergeTable(
        {**BYTES, 256: b"bc", 257: b"ab", 258: b"abc"}, [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")]
    )
    for _ in range(2):
        assert table.encode(b"abc") == (ord("a"), 256)
        assert table.encode(b"ab") == (257,)


def test_merge_table_merges_once_and_then_remembers_whole_entries(monkeypatch):
    table = MergeTable({**BYTES, 256: b"ab"}, [(b"a", b"b")])
    calls = []
    merge = merge_table.merge_symbols
    monkeypatch.setattr(merge_table, "merge_symbols", lambda *args: calls.append(args) or merge(*args))
    assert [table.encode(b"ab") for _ in range(3)] == [(256,)] * 3
    assert len(calls) == 1


def test_merge_table_names_a_byte_without_an_entry_only_where_it_is_left_over():
    vocab = {0: b"a", 1: b"ab", 2: b"c"}
    table = MergeTable(vocab, [(b"a", b"b")])
    assert table.encode(b"abc") == (1, 2)
    with pytest.raises(ValueError, match=r"0x62 in 'cb' has none"):
        table.encode(b"cb")


def test_merge_table_of_two_entries_with_equal_bytes_takes_the_higher_id():
    assert MergeTable({3: b"a", 7: b"a"}, []).encode(b"a") == (7,)


def test_merge_listed_twice_keeps_its_first_rank():
    merges = [(b"b", b"c"), (b"a", b"b"), (b"b", b"c")]
    assert MergeTable({**BYTES, 256: b"bc", 257: b"ab"}, merges).encode(b"abc") == (ord("a"), 256)


def test_pretoken_cache_stays_within_its_bytes_and_drops_nothing_that_matters():
    cache = PretokenCache(MergeTable(BYTES, []), max_bytes=10_000)
    sizes = []
    for number in range(200):
        assert cache[str(number)] == tuple(str(number).encode())
        sizes.append(len(cache))
    assert 20 < max(sizes) <= 10_000 // 240
    assert cache["x" * 5000] == tuple(b"x" * 5000)
    assert "x" * 5000 not in cache
