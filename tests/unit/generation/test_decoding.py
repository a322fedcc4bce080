import pytest
import torch

from cs336_basics import TransformerLM, generate
from cs336_basics.generation.decoding import pad_right

VOCAB, CONTEXT = 31, 7
PROMPTS = [[3], [1, 4, 1, 5, 9], [2, 6, 5], [3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4]]


@pytest.fixture
def model() -> TransformerLM:
    """A model whose choices depend on the whole window: random weights, logits far apart."""
    torch.manual_seed(7)
    model = TransformerLM(VOCAB, CONTEXT, 28, 1, 2, 11)
    with torch.no_grad():
        model.get_parameter("layers.0.attn.output_proj.weight").mul_(5)
        model.lm_head.weight.mul_(5)
    return model


def greedy_by_definition(model: TransformerLM, prompt: list[int], max_new_tokens: int) -> list[int]:
    text = list(prompt)
    for _ in range(max_new_tokens):
        logits = model(torch.tensor(text[-CONTEXT:]))[-1]
        text.append(int(logits.argmax()))
    return text[len(prompt) :]


@pytest.mark.parametrize("prompt", PROMPTS, ids=len)
@pytest.mark.parametrize("max_new_tokens", [1, 11])
def test_generate_at_temperature_0_equals_the_definition(model, prompt, max_new_tokens):
    expected = greedy_by_definition(model, prompt, max_new_tokens)
    assert generate(model, prompt, max_new_tokens, temperature=0) == expected


def test_generate_chooses_by_the_whole_window(model):
    # Without this the comparisons above could pass for a model that looks at the last token only.
    after_3 = {tuple(generate(model, [*other, 3], 5, temperature=0)) for other in ([], [1], [2], [4, 9])}
    assert len(after_3) > 1


def test_generate_of_a_batch_equals_one_prompt_after_another(model):
    alone = [generate(model, prompt, 13, temperature=0) for prompt in PROMPTS]
    assert generate(model, PROMPTS, 13, temperature=0) == alone


def test_generate_of_a_batch_stops_each_prompt_on_its_own(model):
    alone = [generate(model, prompt, 13, temperature=0) for prompt in PROMPTS]
    stop = alone[1][2]
    cut = [ids[: ids.index(stop)] if stop in ids else ids for ids in alone]
    assert len({len(ids) for ids in cut}) > 1
    assert generate(model, PROMPTS, 13, temperature=0, stop_token_id=stop) == cut


def test_generate_returns_new_ids_without_the_stop_token(model):
    ids = generate(model, [1, 4, 1], 13, temperature=0)
    assert len(ids) == 13
    stop = ids[0]
    assert generate(model, [1, 4, 1], 13, temperature=0, stop_token_id=stop) == []


def test_generate_goes_on_after_a_prompt_that_ends_with_the_stop_token(model):
    expected = generate(model, [1, 4], 3, temperature=0)
    stop = 4
    assert stop not in expected
    assert generate(model, [1, 4], 3, temperature=0, stop_token_id=stop) == expected


def test_generate_of_no_new_tokens_is_empty(model):
    assert generate(model, [1, 4], 0) == []
    assert generate(model, [[1], [4]], 0) == [[], []]


def test_generate_leaves_the_prompt_as_it_was(model):
    prompts = [list(prompt) for prompt in PROMPTS]
    generate(model, prompts, 3)
    assert prompts == PROMPTS


def test_generate_accepts_tuples_and_ranges(model):
    expected = generate(model, [1, 2, 3], 5, temperature=0)
    assert generate(model, (1, 2, 3), 5, temperature=0) == expected
    assert generate(model, range(1, 4), 5, temperature=0) == expected
    assert generate(model, [(1, 2, 3)], 5, temperature=0) == [expected]


def test_generate_follows_its_generator(model):
    def draw(seed: int) -> list[int]:
        return generate(model, [1, 4], 11, generator=torch.Generator().manual_seed(seed))

    assert draw(7) == draw(7)
    assert draw(7) != draw(11)


@pytest.mark.parametrize("settings", [{"temperature": 1e-6}, {"top_p": 1e-6}, {"temperature": 1e-50}])
def test_generate_in_the_limit_takes_the_likeliest_token(model, settings):
    assert generate(model, [1, 4], 11, **settings) == generate(model, [1, 4], 11, temperature=0)


def test_generate_at_a_high_temperature_reaches_the_whole_vocabulary(model):
    batch = generate(model, [[1]] * 100, 5, temperature=1e9)
    assert {id for ids in batch for id in ids} == set(range(VOCAB))


def test_generate_keeps_no_graph(model):
    generate(model, [1, 4], 3)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -0.5}, r"at least 0 but is -0\.5; 0 takes"),
        ({"temperature": float("nan")}, "at least 0 but is nan; 0 takes"),
        ({"top_p": 0.0}, r"top_p must lie in \(0, 1\] but is 0\.0; 1 keeps"),
        ({"top_p": 1.5}, r"top_p must lie in \(0, 1\] but is 1\.5; 1 keeps"),
        ({"top_p": float("nan")}, r"top_p must lie in \(0, 1\] but is nan; 1 keeps"),
        ({"max_new_tokens": -1}, "must not be negative but is -1"),
    ],
)
def test_generate_refuses_settings_that_make_no_sense(model, settings, message):
    with pytest.raises(ValueError, match=message):
        generate(model, [1, 4], **({"max_new_tokens": 3} | settings))


@pytest.mark.parametrize("prompts", [[], [[]], [[1], []]], ids=str)
def test_generate_refuses_an_empty_prompt(model, prompts):
    with pytest.raises(ValueError, match="at least one token but is empty"):
        generate(model, prompts, 3)


@pytest.mark.parametrize("wrong", [-1, VOCAB])
def test_generate_names_an_id_outside_the_vocabulary(model, wrong):
    with pytest.raises(IndexError, match=rf"vocabulary of 31 but got {wrong};"):
        generate(model, [[1], [1, wrong, 4]], 3)


def test_pad_right_fills_up_with_zeros():
    assert pad_right([[1], [2, 3, 4], [5, 6]]).tolist() == [[1, 0, 0], [2, 3, 4], [5, 6, 0]]
