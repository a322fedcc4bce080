import pytest

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.definition import TokenizerDefinition

BYTES = dict(enumerate(BYTE_TOKENS))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"special_token_ids": {"<s>": 256, "<t>": 256}}, "must have an id each but two share one"),
        ({"begin_of_text": "<s>"}, "begin_of_text must be a special token but '<s>' is none"),
        ({"vocab": {}}, "has no entry"),
        ({"vocab": {-1: b"a"}}, "has the id -1"),
        ({"vocab": {1 << 31: b"a"}}, "ids must be below 2\\^31"),
    ],
)
def test_what_contradicts_itself_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TokenizerDefinition(**{"vocab": BYTES, "merges": [], "special_token_ids": {}} | wrong)
