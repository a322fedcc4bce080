"""From a prompt of text to a continuation of text."""

import torch

from cs336_basics.generation.decoding import generate
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer


def complete_texts(
    model: TransformerLM,
    tokenizer: Tokenizer,
    prompts: list[str],
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
) -> list[str]:
    """Return a continuation of each prompt, up to END_OF_TEXT; an empty prompt begins a new document."""
    stop_token_id = tokenizer.special_token_ids.get(END_OF_TEXT)
    device = next(model.parameters()).device
    continuations = generate(
        model,
        [prompt_ids(tokenizer, prompt) for prompt in prompts],
        max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        stop_token_id=stop_token_id,
        generator=torch.Generator(device).manual_seed(seed),
    )
    return [tokenizer.decode(ids) for ids in continuations]


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Encode a prompt; an empty one is END_OF_TEXT, behind which a document begins."""
    if prompt:
        return tokenizer.encode(prompt)
    if END_OF_TEXT not in tokenizer.special_token_ids:
        raise ValueError(
            f"an empty prompt needs a tokenizer with {END_OF_TEXT}; give some text to start with"
        )
    return [tokenizer.special_token_ids[END_OF_TEXT]]
