import numpy as np
import pytest

from cs336_basics.tokenization import Tokenizer
from cs336_basics.training import scoring
from cs336_basics.training.scoring import num_bytes_of

TOKENIZER = Tokenizer({0: b"a", 5: b"<seven>", 7: b"bc"}, [], ["<seven>"])  # ids may have gaps


@pytest.mark.parametrize("part", [1, 2, 3, 100])
def test_bytes_of_tokens_are_added_up_part_by_part(monkeypatch, part):
    monkeypatch.setattr(scoring, "PART_TOKENS", part)
    assert num_bytes_of(np.array([0, 5, 5, 7, 0], dtype=np.uint16), TOKENIZER) == 1 + 7 + 7 + 2 + 1
    assert num_bytes_of(np.array([], dtype=np.uint16), TOKENIZER) == 0


def test_a_token_that_the_tokenizer_lacks_is_a_value_error():
    with pytest.raises(ValueError, match="one is 8 and it ends at 7"):
        num_bytes_of(np.array([0, 8]), TOKENIZER)
