"""What is accepted splits as the real library splits; what may mean something else there is refused."""

import random

import pytest
from tokenizers import Regex, pre_tokenizers

from cs336_basics.tokenization.interchange.regex_dialect import check_pattern
from cs336_basics.tokenization.pretokenization import GPT2_PATTERN
from cs336_basics.tokenization.pretokenization_steps import LLAMA3_PATTERN, SplitAround
from tests.unit.tokenization.interchange.huggingface_files import O200K_PATTERN
from tests.unit.tokenization.references import GPT2_ORIGINAL

SIGNS = [
    *"abst1 '-!",
    *(rf"\p{{{name}}}" for name in ("L", "N", "Lu")),
    r"\P{L}",
    r"\P{Nd}",
    r"\s",
    r"\S",
    r"\d",
]
IN_SETS = [*"abs1 '!&|~^$.{}()*-", "a-z", "0-9", "!-/", *SIGNS[9:], r"\n", r"\.", r"\]"]
QUANTIFIERS = ["", "", "", "*", "+", "?", "+?", "*+", "++", "{1,3}", "{2}", "{2,}", "?+", "??"]
GROUPS = ["(?i:'s|'t|'re)", "(?i:[sdmt]|ll|ve)", "(?i:ab|k|S)"]
TEXTS = [
    *("a", "b", "s", "S", "t", "ſ", "K", "\N{KELVIN SIGN}", "k", "l", "LL", "'", "'s", "'S", "1", "٣", "Ⅷ"),
    *(" ", "  ", "\n", "\r\n", "\t", "\u3000", "\x85", "\x1c", "é", "É", "é", "中", "ß", "ss", "!", "-", "&"),
    *("²", "~", "\\", "]", "[", ".", "$", "^", "😀", "\u0345", "ŉ", "ﬆ", "\u200b", "İ", "i", "ı"),
]
ACCEPTED = {
    "GPT-2": GPT2_ORIGINAL,
    "GPT-2 in short": GPT2_PATTERN,
    "Llama 3": LLAMA3_PATTERN,
    "GPT-4o": O200K_PATTERN,
    "DeepSeek": (
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
        r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
    ),
    "ideographs": "[一-龥\u3040-ゟ゠-ヿ]+",
    "lazy and possessive": r"a+?b|\p{L}++|(?:1|2)?3",
}
REFUSED = [
    *("", "a*", "a|", "(?=a)", "(?:a?)(?!b)"),  # match nothing
    *("a$", "^a", "a.", r"\w+", r"\bx", r"\Aa", r"\h", r"\p{Han}", r"\p{^L}"),
    *("(a)", "(?<=a)b", "(?P<n>a)", "(?:a", "a)", "(?:" * 9 + "a" + ")" * 9, "(?:" * 5000 + "a" + ")" * 5000),
    *("(?:a+)+", "(?:a)*", "(?=a)?b", "(?:(?=a))?b", "a{2}+", "a**", "*a", "a{3,2}"),
    *("[a", "[]", "[^]", "]", "{", "[[:alpha:]]", "[a&&b]", "[a||b]", "[b-a]", r"[\p{L}-z]"),
    *(r"[\s\S]", r"[^\P{Nd}\d]", "(?i:ss)", "(?i:fi)", r"(?i:\p{L})", "(?i)a", "\ud800"),
]


def split_by_the_library(pattern: str, text: str) -> list[str]:
    splitter = pre_tokenizers.Split(Regex(pattern), "isolated")
    return [piece for piece, _ in splitter.pre_tokenize_str(text)]


def random_pattern(generator: random.Random, depth: int = 0) -> str:
    alternatives = []
    for _ in range(generator.randint(1, 4 - depth)):
        parts = [random_part(generator, depth) for _ in range(generator.randint(1, 3))]
        alternatives.append("".join(parts))
    return "|".join(alternatives)


def random_part(generator: random.Random, depth: int) -> str:
    kind = generator.random()
    if kind < 0.6 or depth == 3:
        return generator.choice(SIGNS) + generator.choice(QUANTIFIERS)
    if kind < 0.8:
        members = "".join(generator.choices(IN_SETS, k=generator.randint(1, 4)))
        return f"[{generator.choice(['', '^'])}{members}]" + generator.choice(QUANTIFIERS)
    if kind < 0.88:
        return generator.choice(GROUPS) + generator.choice(["", "?"])
    opening, closing = generator.choice([("(?:", ")"), ("(?:", ")?"), ("(?=", ")"), ("(?!", ")")])
    return opening + random_pattern(generator, depth + 1) + closing


def is_accepted(pattern: str) -> bool:
    try:
        check_pattern(pattern)
    except ValueError:
        return False
    return True


def test_any_accepted_pattern_splits_any_text_as_the_library_does():
    generator = random.Random(7)
    accepted = 0
    for _ in range(3000):
        pattern = random_pattern(generator)
        if not is_accepted(pattern):
            continue
        accepted += 1
        text = "".join(generator.choices(TEXTS, k=60))
        assert SplitAround(pattern)(text) == split_by_the_library(pattern, text), (pattern, text)
    assert accepted > 800


@pytest.mark.parametrize("case", ACCEPTED)
def test_patterns_of_known_tokenizers_are_accepted_and_split_alike(case):
    check_pattern(ACCEPTED[case])
    generator = random.Random(11)
    for _ in range(30):
        text = "".join(generator.choices(TEXTS, k=60))
        assert SplitAround(ACCEPTED[case])(text) == split_by_the_library(ACCEPTED[case], text)


@pytest.mark.parametrize("pattern", REFUSED)
def test_pattern_that_may_mean_something_else_there_is_refused(pattern):
    with pytest.raises(ValueError, match=r"^has a Split by a regular expression .* --prompt-ids$"):
        check_pattern(pattern)
