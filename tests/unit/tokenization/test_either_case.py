import sys
from string import ascii_lowercase

import pytest
import regex
from tokenizers import Regex, pre_tokenizers

from cs336_basics.tokenization.either_case import spell_out_either_case
from cs336_basics.tokenization.pretokenization_steps import LLAMA3_PATTERN, SplitAround


@pytest.mark.parametrize(
    ("pattern", "spelled_out"),
    [
        ("(?i:'ll)|a", "(?:'[lL][lL])|a"),
        ("'(?i:[dm]|ve)?", "'(?:[dDmM]|[vV][eE])?"),
        ("(?i:S)k", "(?:[sSſ])k"),
        (r"\p{L}(?=s)", r"\p{L}(?=s)"),
    ],
)
def test_letters_are_spelled_out_where_either_case_counts(pattern, spelled_out):
    assert spell_out_either_case(pattern) == spelled_out


def test_spelled_out_letters_match_what_the_library_takes_for_them():
    everything = map(chr, range(sys.maxunicode + 1))
    folding = [character for character in everything if character.casefold() != character]
    like_letters = [character for character in folding if regex.search("[a-z]", character.casefold())]
    like_letters += ascii_lowercase
    assert len(like_letters) > 60
    for letter in ascii_lowercase:
        pattern = f"(?i:{letter})"
        splitter = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
        expected = [piece for piece, _ in splitter.pre_tokenize_str("".join(like_letters))]
        assert regex.findall(spell_out_either_case(pattern), "".join(like_letters)) == expected


def test_character_that_folds_to_a_letter_of_its_own_stays_a_mark():
    assert SplitAround(LLAMA3_PATTERN)("!\u0345!") == ["!\u0345!"]
    assert SplitAround(r"(?i:'s)|[^\p{L}]")("a\u0345") == ["a", "\u0345"]
