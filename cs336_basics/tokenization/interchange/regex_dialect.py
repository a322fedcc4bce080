r"""Which regular expressions mean the same to Hugging Face's library (Oniguruma) and to ours (`regex`).

The two differ in much: `$`, `^`, `\w`, `\h`, nested sets, `{2}+`, what follows a match of nothing. So we read
a pattern sign by sign and accept what means the same in both, which is all that known pre-tokenizers use:

- characters, and signs after a backslash; \r \n \t, \s \S, \d, general categories such as \p{L} and \P{Nd}
- sets of these, with ranges and with ^, but not \s, \d or \p beside \S or \P, where `regex` finds too much
- groups (?: (?= (?! and (?i:, the last only with letters, of which no two fold into one (ss into ß)
- alternatives, and * + ? {2} {1,3} after all but groups; after a group only ?, so that no pattern takes a
  time exponential in the length of a text

The whole must not match nothing.
"""

from typing import NoReturn

import regex

from cs336_basics.tokenization import either_case
from cs336_basics.tokenization.interchange.huggingface_fields import refuse

CLASS = r"\\(?:[sSd]|[pP]\{[LMNPSZ][a-z]?\})"
ESCAPED = r"\\(?:[rnt]|[!-/:-@\[-`{-~])"
IN_SET = rf"(?:{ESCAPED}|(?!&&|\|\||~~)[^-\\\[\]\p{{Cs}}])"
SET = rf"\[\^?+-?(?:{IN_SET}-{IN_SET}|{IN_SET}|{CLASS})+-?\]"
CHARACTER = regex.compile(rf"{CLASS}|{ESCAPED}|{SET}|[^\\\[\](){{}}*+?|^$.\p{{Cs}}]")
BACKSLASH = regex.compile(r"\\.")
WHAT_IS, WHAT_IS_NOT = {r"\s", r"\d", r"\p"}, {r"\S", r"\P"}
QUANTIFIER = regex.compile(r"(?:[*+?][+?]?|\{\d+(?:,\d*)?\})(?![*+?{])")
GROUP = regex.compile(r"\(\?(:|i:|=|!)")
FOLDING_INTO_ONE = regex.compile(r"(?i:ss|ff|fi|fl|st)")
DEEPEST = 8  # groups in groups


def check_pattern(pattern: str) -> None:
    """Raise `ValueError` that names the first place of `pattern` where the two libraries may differ."""
    is_nothing, end = _read_alternatives(pattern, 0, depth=0)
    if end < len(pattern):
        _refuse_place(pattern, end)
    if is_nothing:
        refuse(f"a Split by a regular expression that matches nothing ({pattern!r:.200})")
    try:
        regex.compile(pattern)
    except regex.error as error:
        refuse(f"a Split by a regular expression that cannot be read ({error})")


def _read_alternatives(pattern: str, start: int, *, depth: int) -> tuple[bool, int]:
    """Read from `start` to the end of the group; return whether it can match nothing, and where it ends."""
    can_be_nothing, so_far_nothing = False, True
    position = start
    while position < len(pattern) and pattern[position] != ")":
        if pattern[position] == "|":
            can_be_nothing, so_far_nothing = can_be_nothing or so_far_nothing, True
            position += 1
            continue
        is_nothing, position = _read_one(pattern, position, depth=depth)
        so_far_nothing = so_far_nothing and is_nothing
    return can_be_nothing or so_far_nothing, position


def _read_one(pattern: str, start: int, *, depth: int) -> tuple[bool, int]:
    """Read a character, a set or a group with what says how often it stands; return as above."""
    character = CHARACTER.match(pattern, start)
    if character is None:
        return _read_group(pattern, start, depth=depth)
    signs = set(BACKSLASH.findall(character.group()))
    if signs & WHAT_IS and signs & WHAT_IS_NOT:
        _refuse_place(pattern, start)
    quantifier = QUANTIFIER.match(pattern, character.end())
    if quantifier is None:
        return False, character.end()
    return quantifier.group()[0] in "*?" or quantifier.group().startswith("{0"), quantifier.end()


def _read_group(pattern: str, start: int, *, depth: int) -> tuple[bool, int]:
    group = GROUP.match(pattern, start)
    if group is None or depth == DEEPEST:
        _refuse_place(pattern, start)
    if group.group(1) == "i:":
        letters = either_case.GROUP.match(pattern, start)
        if letters is None or FOLDING_INTO_ONE.search(letters.group()):
            _refuse_place(pattern, start)
    is_nothing, end = _read_alternatives(pattern, group.end(), depth=depth + 1)
    if end == len(pattern):
        _refuse_place(pattern, start)
    if group.group(1) in "=!":
        return True, end + 1
    is_optional = pattern.startswith("?", end + 1)
    if is_nothing and is_optional:
        _refuse_place(pattern, start)
    return is_nothing or is_optional, end + 1 + is_optional


def _refuse_place(pattern: str, position: int) -> NoReturn:
    refuse(f"a Split by a regular expression with {pattern[position : position + 10]!r}")
