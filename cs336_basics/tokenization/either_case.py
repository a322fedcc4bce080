"""Letters in either case, (?i:'ll), spelled out as sets: (?:'[lL][lL]).

With such a group anywhere in a pattern, `regex` 2026.11.19 takes a few characters elsewhere in it for others:
`(?i:'s)|[^\\p{L}]` does not match U+0345, which the second alternative alone does. So it never sees one.
"""

import regex

GROUP = regex.compile(r"\(\?i:([a-zA-Z'|\[\]]*)\)")
OTHER_FORMS = {"s": "ſ", "k": "\N{KELVIN SIGN}"}  # the ASCII letters that have a third


def spell_out_either_case(pattern: str) -> str:
    """Replace each group of letters in either case by what it stands for."""
    return GROUP.sub(lambda match: f"(?:{_in_either_case(match.group(1))})", pattern)


def _in_either_case(letters: str) -> str:
    spelled_out = ""
    in_set = False
    for sign in letters:
        in_set = sign == "[" or (in_set and sign != "]")
        if not sign.isalpha():
            spelled_out += sign
            continue
        forms = sign.lower() + sign.upper() + OTHER_FORMS.get(sign.lower(), "")
        spelled_out += forms if in_set else f"[{forms}]"
    return spelled_out
