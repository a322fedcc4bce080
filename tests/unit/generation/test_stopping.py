import numpy as np
import pytest
import torch

from cs336_basics.generation.decoding import generate, stream_tokens
from cs336_basics.generation.plain_decoding import generate_plainly
from cs336_basics.generation.stopping import stop_token_ids
from tests.unit.generation.models import PROMPTS, decided_model


@pytest.mark.parametrize(
    ("stop", "ids"),
    [
        (None, set()),
        (0, {0}),
        (7, {7}),
        ([7, 5], {5, 7}),
        ((), set()),
        ({3}, {3}),
        (np.int64(3), {3}),
        (np.array([7, 5]), {5, 7}),
        (torch.tensor([7, 5]), {5, 7}),
        (torch.tensor(3), {3}),
    ],
)
def test_none_one_or_several(stop, ids):
    assert stop_token_ids(stop) == ids


@pytest.mark.parametrize("stop", ["12", "<|endoftext|>", b"12", 5.7, [5, 7.0], ["7"], torch.tensor(5.0)])
def test_what_is_no_id_is_a_type_error(stop):
    with pytest.raises(TypeError, match="stop_token_id must be an integer or several but is"):
        stop_token_ids(stop)


def test_each_row_ends_at_the_first_of_several_stop_tokens():
    model = decided_model()
    whole = generate(model, PROMPTS, 11, temperature=0)
    stops = [whole[0][3], whole[1][5]]
    expected = []
    for row in whole:
        ends = [place for place, token in enumerate(row) if token in stops]
        expected.append(row[: ends[0]] if ends else row)
    assert [len(row) for row in expected] != [len(row) for row in whole]
    assert generate(model, PROMPTS, 11, temperature=0, stop_token_id=stops) == expected
    assert generate_plainly(model, PROMPTS, 11, temperature=0, stop_token_id=stops) == expected
    assert list(stream_tokens(model, PROMPTS[1], 11, temperature=0, stop_token_id=stops)) == expected[1]
