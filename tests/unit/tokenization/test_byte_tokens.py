from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.byte_tokens import byte_alphabet, from_characters, to_characters
from tests.unit.tokenization.references import BOUNDED


def test_byte_alphabet_is_gpt2s():
    alphabet = byte_alphabet()
    assert len(set(alphabet.values())) == 256
    assert [alphabet[byte] for byte in (0, 10, 32, 33, 126, 127, 160, 161, 173, 255)] == list("ĀĊĠ!~ġł¡Ńÿ")
    # Transformers has its own copy of GPT-2's function.
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    assert alphabet == bytes_to_unicode()


@BOUNDED
@given(st.binary())
def test_byte_alphabet_gives_any_bytes_back(data):
    assert from_characters(to_characters(data)) == data
