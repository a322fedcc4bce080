"""The decoding loop: one token after another, each from a forward pass over the window that ends there.

Plain and without a cache: what the model sees at each step is exactly the last `context_length` tokens.
"""

from collections.abc import Sequence
from typing import overload

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from cs336_basics.generation.sampling import sample_token
from cs336_basics.nn.embedding import check_ids
from cs336_basics.nn.transformer_lm import TransformerLM


@overload
def generate(
    model: TransformerLM,
    prompt_ids: Sequence[int],
    max_new_tokens: int,
    *,
    temperature: float = ...,
    top_p: float = ...,
    stop_token_id: int | None = ...,
    generator: torch.Generator | None = ...,
) -> list[int]: ...
@overload
def generate(
    model: TransformerLM,
    prompt_ids: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    temperature: float = ...,
    top_p: float = ...,
    stop_token_id: int | None = ...,
    generator: torch.Generator | None = ...,
) -> list[list[int]]: ...
def generate(
    model,
    prompt_ids,
    max_new_tokens,
    *,
    temperature=1.0,
    top_p=1.0,
    stop_token_id=None,
    generator=None,
):
    """Continue a prompt, or each prompt of a batch, and return only the new ids, without the stop token.

    A prompt ends at `stop_token_id` or after `max_new_tokens`. `temperature` divides the logits (0 takes
    the most likely token); `top_p` keeps the smallest set of tokens whose mass reaches it. Beyond
    `model.config.context_length` the window is the last `context_length` tokens, at positions 0, 1, ....
    `generator` must live on the model's device.
    """
    _check_settings(max_new_tokens, temperature, top_p)
    is_batch = len(prompt_ids) > 0 and isinstance(prompt_ids[0], Sequence)
    prompts = [list(prompt) for prompt in prompt_ids] if is_batch else [list(prompt_ids)]
    _check_prompts(prompts, model.config.vocab_size)
    settings = {"temperature": temperature, "top_p": top_p, "generator": generator}
    continuations = _continue(model, prompts, max_new_tokens, stop_token_id, settings)
    return continuations if is_batch else continuations[0]


@torch.no_grad()
def _continue(
    model: TransformerLM,
    prompts: list[list[int]],
    max_new_tokens: int,
    stop_token_id: int | None,
    settings: dict,
) -> list[list[int]]:
    """Add a token to each unfinished prompt until all are finished; return what was added."""
    texts = [list(prompt) for prompt in prompts]
    unfinished = list(range(len(prompts)))
    for _ in range(max_new_tokens):
        if not unfinished:
            break
        logits = next_token_logits(model, [texts[row] for row in unfinished])
        tokens = sample_token(logits, **settings).tolist()
        for row, token in zip(unfinished, tokens, strict=True):
            texts[row].append(token)
        unfinished = [row for row in unfinished if texts[row][-1] != stop_token_id]
    return [_new_ids(text, prompt, stop_token_id) for text, prompt in zip(texts, prompts, strict=True)]


def next_token_logits(model: TransformerLM, texts: list[list[int]]) -> Float[Tensor, "batch vocab"]:
    """Return the logits after the last token of each text, seen through its last `context_length` tokens.

    Texts of unequal length are filled up on the right, where a causal model does not look.
    """
    device = next(model.parameters()).device
    windows = [text[-model.config.context_length :] for text in texts]
    ids = pad_right(windows).to(device)
    last = torch.tensor([len(window) - 1 for window in windows], device=device)
    logits = model(ids)
    return logits[torch.arange(len(windows), device=device), last]


def pad_right(windows: list[list[int]]) -> Int64[Tensor, "batch seq"]:
    """Put windows of unequal length into one tensor, filled up with id 0."""
    longest = max(len(window) for window in windows)
    return torch.tensor([window + [0] * (longest - len(window)) for window in windows])


def _new_ids(text: list[int], prompt: list[int], stop_token_id: int | None) -> list[int]:
    new = text[len(prompt) :]
    return new[:-1] if new and new[-1] == stop_token_id else new


def _check_settings(max_new_tokens: int, temperature: float, top_p: float) -> None:
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens must not be negative but is {max_new_tokens}")
    if not temperature >= 0:  # also true for NaN
        raise ValueError(f"temperature must be at least 0 but is {temperature}; 0 takes the likeliest token")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p must lie in (0, 1] but is {top_p}; 1 keeps all tokens")


def _check_prompts(prompts: list[list[int]], vocab_size: int) -> None:
    for prompt in prompts:
        if not prompt:
            raise ValueError("a prompt must hold at least one token but is empty; start with <|endoftext|>")
        check_ids(torch.tensor(prompt), vocab_size)
