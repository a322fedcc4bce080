"""Half a character: a surrogate without its other half, which no UTF-8 can hold."""

import regex

LONE_SURROGATE = regex.compile(r"\p{Cs}")


def surrogate_error(text: str, *, offset: int) -> ValueError:
    """Describe the first surrogate of `text`, which begins `offset` characters into the whole text."""
    match = LONE_SURROGATE.search(text)
    assert match is not None, "text that cannot be encoded has a surrogate"
    return ValueError(
        f"text must be valid Unicode but has the lone surrogate U+{ord(match.group()):04X} at position "
        f"{offset + match.start()}; remove it, for example by decoding its source with errors='replace'"
    )
