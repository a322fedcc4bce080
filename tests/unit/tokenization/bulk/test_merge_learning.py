import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.bpe_training import learn_merges
from cs336_basics.tokenization.bulk.merge_learning import BulkPairStatistics
from cs336_basics.tokenization.pair_statistics import PairStatistics, replace_pair
from cs336_basics.tokenization.pretoken_counts import count_pretokens_of_text
from tests.unit.tokenization.references import BOUNDED, learn_merges_by_definition, words_of

WITHOUT_END = 1 << 20  # more merges than any of the texts here has

few_words = st.dictionaries(words_of("ab", 10) | words_of("abcé", 8), st.integers(1, 4), max_size=4)


def assert_learned_as_plainly(word_counts, num_merges=WITHOUT_END):
    merges = learn_merges(BulkPairStatistics(word_counts), num_merges)
    assert merges == learn_merges(PairStatistics(word_counts), num_merges)
    return merges


@BOUNDED
@given(few_words, st.data())
def test_most_frequent_pair_is_that_of_a_recount_after_merges_in_any_order(word_counts, data):
    statistics = BulkPairStatistics(word_counts)
    words = [(list(word), count) for word, count in word_counts.items()]
    while True:
        recount = Counter()
        for symbols, count in words:
            for pair in pairwise(symbols):
                recount[pair] += count
        spelled = statistics.symbol_bytes
        by_rank = sorted(recount, key=lambda pair: (recount[pair], spelled[pair[0]], spelled[pair[1]]))
        assert statistics.most_frequent_pair() == (by_rank[-1] if by_rank else None)
        if not by_rank:
            break
        pair = data.draw(st.sampled_from(by_rank))
        merged = len(spelled)
        statistics.merge(pair)
        words = [(replace_pair(symbols, pair, merged), count) for symbols, count in words]
        assert spelled[merged] == spelled[pair[0]] + spelled[pair[1]]


@pytest.mark.parametrize("word_counts", [{}, {b"a": 7}, {b"a": 1, b"b": 2}, {b"\0": 1}])
def test_words_of_one_byte_have_no_pair(word_counts):
    assert BulkPairStatistics(word_counts).most_frequent_pair() is None


@pytest.mark.parametrize("length", range(1, 41))
def test_merges_of_one_repeated_byte_are_those_of_the_definition(length):
    word_counts = {b"a" * length: 3}
    merges = learn_merges(BulkPairStatistics(word_counts), WITHOUT_END)
    assert merges == learn_merges_by_definition(word_counts, WITHOUT_END)


def test_merges_of_repeated_bytes_of_all_lengths_are_those_of_the_definition():
    word_counts = {bytes([letter]) * length: 1 + length % 3 for length in range(1, 41) for letter in b"ab"}
    merges = learn_merges(BulkPairStatistics(word_counts), WITHOUT_END)
    assert merges == learn_merges_by_definition(word_counts, WITHOUT_END)


@pytest.mark.parametrize("letters", ["ab", "etaoinshr", "中文é"])
def test_merges_of_one_long_word_are_those_of_pair_statistics(letters):
    word = "".join(random.Random(7).choices(letters, k=5000)).encode()
    assert len(assert_learned_as_plainly({word: 1}, 400)) == 400


def test_merges_of_many_random_words_are_those_of_pair_statistics():
    choose = random.Random(11)
    words = ["".join(choose.choices("abcdefgh", k=choose.randint(1, 12))) for _ in range(3000)]
    assert len(assert_learned_as_plainly(Counter(word.encode() for word in words), 1000)) == 1000


@pytest.mark.parametrize(
    "text",
    [
        " \n\n  \t\t\r\n \u3000\u3000 \xa0 \n\n\n " * 20 + "    " * 30,
        "👨‍👩‍👧👩🏽‍💻 👍🏽👍🏽👍 e\u0301e\u0301te\u0301 a\u0301\u0302 ☺️☺️ " * 3,
        "我们去学校。学校里有我们的朋友，朋友们学习中文。 他说：「好」\u3000",
        "one\r\ntwo\r\n\r\ntwo three\r\n" * 3,
        "\0\0\0 a\0b\0\0\0\0 \0",
        "!!!!!!!! ???!? --------- ...... ;;;;;;;;;;;;; ",
    ],
    ids=["white space", "joined", "chinese", "crlf", "nul", "punctuation"],
)
def test_merges_of_texts_of_the_world_are_those_of_the_definition(text):
    word_counts = count_pretokens_of_text(text, [])
    merges = learn_merges(BulkPairStatistics(word_counts), WITHOUT_END)
    assert merges == learn_merges_by_definition(word_counts, WITHOUT_END)


@pytest.mark.parametrize("largest", [(1 << 32) - 1, 1 << 32, (1 << 53) + 1, 1 << 57])
def test_merges_of_huge_counts_are_exact(largest):
    # The counts differ by one where floating point would see none; the sums reach 2^60.
    word_counts = {b"xaxb": largest, b"ya": largest + 1, b"yb": largest, b"abab": 1, b"xby": largest - 1}
    word_counts |= {b"yaxbya": largest - 2, b"aaaaa": largest // 4}
    merges = learn_merges(BulkPairStatistics(word_counts), WITHOUT_END)
    assert merges == learn_merges_by_definition(word_counts, WITHOUT_END)


def test_merges_do_not_depend_on_the_order_of_the_words():
    choose = random.Random(5)
    words = sorted({"".join(choose.choices("abc", k=choose.randint(1, 9))).encode() for _ in range(200)})
    word_counts = {word: 1 + place % 3 for place, word in enumerate(words)}
    merges = learn_merges(BulkPairStatistics(word_counts), 300)
    backwards = dict(reversed(word_counts.items()))
    assert learn_merges(BulkPairStatistics(backwards), 300) == merges
