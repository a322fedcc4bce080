"""Tokens as text for the eye: white space and whatever else is not seen get signs, bytes get their number."""

import re
import unicodedata

SIGNS = {" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥"}
DOTTED_CIRCLE = "◌"  # what Unicode's own charts put below a mark that stands alone

MEANINGS = {
    "␣": "space",
    "⏎": "newline",
    "␍": "carriage return",
    "⇥": "tab",
    DOTTED_CIRCLE: "whatever the mark on it belongs to",
    "<[0-9A-F]{2}>": "a byte that is part of a character",
    r"<U\+[0-9A-F]{4,6}>": "a character that cannot be seen",
}
"""What the signs mean, by the pattern that finds them."""


def visible(token: bytes) -> str:
    r"""Write a token: b" the\n" -> "␣the⏎", b"\xe4\xb8" -> "<E4><B8>", a no-break space -> "<U+00A0>"."""
    # Bytes that are not UTF-8 become the surrogates from U+DC80 on.
    text = token.decode("utf-8", errors="surrogateescape")
    stands_alone = unicodedata.category(text[0]).startswith("M")
    return DOTTED_CIRCLE * stands_alone + "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    if "\udc80" <= character <= "\udcff":
        return f"<{ord(character) - 0xDC00:02X}>"
    return character if character.isprintable() else f"<U+{ord(character):04X}>"


def meanings_of_signs(text: str) -> list[str]:
    """Explain the signs in a text that `visible` wrote: "␣a⏎" -> ["␣ space", "⏎ newline"]."""
    found = ((re.search(sign, text), meaning) for sign, meaning in MEANINGS.items())
    return [f"{match.group()} {meaning}" for match, meaning in found if match]


def display_width(text: str) -> int:
    """Return how many columns of a terminal a printable text takes: "ab" -> 2, "日" -> 2, "é" -> 1."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):  # on top of the character before
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
