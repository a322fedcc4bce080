"""The 256 single bytes that a vocabulary starts from, and GPT-2's way to write bytes as printable text.

A text file cannot hold arbitrary bytes, so GPT-2 gives each byte a character of its own
(`bytes_to_unicode` in `encoder.py` of https://github.com/openai/gpt-2).
"""

NUM_BYTES = 256
BYTE_TOKENS = [bytes([byte]) for byte in range(NUM_BYTES)]


def byte_alphabet() -> dict[int, str]:
    """Return GPT-2's character for each byte: itself where it is printable, else the next from U+0100 on.

    Examples: 65 -> "A", 32 (space) -> "Ġ", 10 (newline) -> "Ċ".
    """
    printable = {
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    }
    others = [byte for byte in range(NUM_BYTES) if byte not in printable]
    alphabet = {byte: chr(byte) for byte in printable}
    alphabet |= {byte: chr(0x100 + place) for place, byte in enumerate(others)}
    return alphabet


CHARACTER_OF_BYTE = byte_alphabet()
BYTE_OF_CHARACTER = {character: byte for byte, character in CHARACTER_OF_BYTE.items()}


def to_characters(token: bytes) -> str:
    """Write bytes in GPT-2's alphabet: b" the" -> "Ġthe"."""
    return "".join(CHARACTER_OF_BYTE[byte] for byte in token)


def from_characters(characters: str) -> bytes:
    """Read bytes in GPT-2's alphabet: "Ġthe" -> b" the"; raises `KeyError` for a character outside it."""
    return bytes(BYTE_OF_CHARACTER[character] for character in characters)
