import pytest
import torch

from cs336_basics.generation.decoding import generate
from cs336_basics.generation.text import complete_texts, prompt_ids
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS


@pytest.fixture
def tokenizer():
    return Tokenizer(dict(enumerate(BYTE_TOKENS)), [], [END_OF_TEXT])


@pytest.fixture
def model():
    return TransformerLM(vocab_size=257, context_length=11, d_model=8, num_layers=1, num_heads=2, d_ff=13)


def complete(model, tokenizer, prompts, **changes):
    settings = {"max_new_tokens": 7, "temperature": 1.0, "top_p": 1.0, "seed": 3, **changes}
    return complete_texts(model, tokenizer, prompts, **settings)


def test_each_prompt_is_continued_as_generate_continues_its_ids(model, tokenizer):
    texts = complete(model, tokenizer, ["ab", "a longer prompt"], temperature=0.0)
    for prompt, text in zip(["ab", "a longer prompt"], texts, strict=True):
        ids = generate(model, list(prompt.encode()), 7, temperature=0.0, stop_token_id=256)
        assert text == tokenizer.decode(ids)


def test_the_seed_alone_decides(model, tokenizer):
    first = complete(model, tokenizer, ["ab"])
    torch.manual_seed(99)
    assert complete(model, tokenizer, ["ab"]) == first
    assert complete(model, tokenizer, ["ab"], seed=4) != first


def test_a_continuation_ends_where_the_document_ends(model, tokenizer):
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.weight[256] = model.ln_final.weight * 50
        model.token_embeddings.weight.fill_(1.0)
    assert complete(model, tokenizer, ["ab"], temperature=0.0) == [""]


def test_an_empty_prompt_begins_a_new_document(tokenizer):
    assert prompt_ids(tokenizer, "") == [256]
    with pytest.raises(ValueError, match="give some text to start with"):
        prompt_ids(Tokenizer(dict(enumerate(BYTE_TOKENS)), []), "")
