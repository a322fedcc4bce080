"""The decoding loop: one token after another, with a key-value cache.

The same tokens as from `plain_decoding.generate_plainly`, the definition, but a token is computed once
instead of at each step that sees it. (The same up to rounding: a product of other sizes is summed in another
order, so where two tokens are equally likely to the last digit, the choice may differ.)
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypedDict, Unpack, overload

import torch

from cs336_basics.functional.packed_product import packed_weights
from cs336_basics.generation.checks import Array, Prompt, as_prompts, check_settings
from cs336_basics.generation.overflow import Overflow, OverflowRule, overflow_rule
from cs336_basics.generation.sampling import sample_token
from cs336_basics.generation.stopping import StopTokens, stop_token_ids
from cs336_basics.generation.window_reader import WindowReader
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.tied_head import TiedHead
from cs336_basics.nn.transformer_lm import TransformerLM

# A few texts gain little by weights that are laid out anew, and a few tokens do not pay for it.
FEWEST_TEXTS, FEWEST_TOKENS = 5, 16


class Options(TypedDict, total=False):
    """The keyword arguments of `generate`, for its overloads."""

    temperature: float
    top_p: float
    stop_token_id: StopTokens
    generator: torch.Generator | None
    overflow: Overflow


@overload
def generate(
    model: TransformerLM, prompt_ids: Sequence[int], max_new_tokens: int, **options: Unpack[Options]
) -> list[int]: ...
@overload
def generate(
    model: TransformerLM, prompt_ids: Sequence[Prompt], max_new_tokens: int, **options: Unpack[Options]
) -> list[list[int]]: ...
@overload
def generate(
    model: TransformerLM, prompt_ids: Array, max_new_tokens: int, **options: Unpack[Options]
) -> list[int] | list[list[int]]: ...
def generate(
    model: TransformerLM,
    prompt_ids: Prompt | Sequence[Prompt],
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    stop_token_id: StopTokens = None,
    generator: torch.Generator | None = None,
    overflow: Overflow = "recompute",
) -> list[int] | list[list[int]]:
    """Continue a prompt, or each prompt of a batch, and return only the new ids, without the stop token.

    Prompts are lists, or what is like them: a tensor of one axis is a prompt, one of two axes a batch.
    A prompt ends at `stop_token_id`, or any of several, or after `max_new_tokens`. `temperature` divides the
    logits (0 takes the most likely token); `top_p` keeps the smallest set of tokens whose mass reaches it.
    `generator` must live on the model's device.

    The model sees a window of at most `model.config.context_length` tokens, at positions 0, 1, .... Beyond
    that, `overflow="recompute"` shows it the last `context_length` tokens, which the cache is no help with:
    each further token costs a whole window. `overflow="half"` cuts the window to its last
    `context_length // 2` tokens whenever it has become too long, and goes on with the cache: far quicker,
    but after each cut the model sees less. A prompt that is too long is treated alike.

    For five prompts and more and 16 tokens and more, on a CPU and in float32, the weights are laid out anew
    first (`functional/packed_product.py`), and lie in memory twice until all is written; where that is too
    much, `torch.backends.mkldnn.enabled = False` leaves them as they are.
    """
    check_settings(max_new_tokens, temperature, top_p)
    rule = overflow_rule(overflow)
    prompts, is_batch = as_prompts(prompt_ids, model.config.vocab_size)
    settings = {"temperature": temperature, "top_p": top_p, "generator": generator}
    continuations: list[list[int]] = [[] for _ in prompts]
    stops = stop_token_ids(stop_token_id)
    with layout_for(model, num_texts=len(prompts), max_new_tokens=max_new_tokens):
        for tokens in _new_tokens(model, prompts, max_new_tokens, stops, rule, settings):
            for row, token in tokens.items():
                continuations[row].append(token)
    return continuations if is_batch else continuations[0]


def stream_tokens(
    model: TransformerLM,
    prompt_ids: Prompt,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    stop_token_id: StopTokens = None,
    generator: torch.Generator | None = None,
    overflow: Overflow = "recompute",
) -> Iterator[int]:
    """Continue one prompt, and yield each new id as soon as it is chosen: what `generate` returns."""
    check_settings(max_new_tokens, temperature, top_p)
    rule = overflow_rule(overflow)
    prompts, is_batch = as_prompts(prompt_ids, model.config.vocab_size)
    if is_batch:
        raise ValueError(
            f"stream_tokens continues one prompt but was given a batch of {len(prompts)}; take generate"
        )
    settings = {"temperature": temperature, "top_p": top_p, "generator": generator}
    stops = stop_token_ids(stop_token_id)
    steps = _new_tokens(model, prompts, max_new_tokens, stops, rule, settings)
    return (token for tokens in steps for token in tokens.values())


def layout_for(model: TransformerLM, *, num_texts: int, max_new_tokens: int) -> AbstractContextManager[None]:
    """Return a context in which the model's matrices are laid out anew, if that is the quicker way."""
    if num_texts < FEWEST_TEXTS or max_new_tokens < FEWEST_TOKENS:
        return nullcontext()
    return packed_weights(part.weight for part in model.modules() if isinstance(part, Linear | TiedHead))


@torch.inference_mode()
def _new_tokens(
    model: TransformerLM,
    prompts: list[list[int]],
    max_new_tokens: int,
    stops: frozenset[int],
    rule: OverflowRule,
    settings: dict,
) -> Iterator[dict[int, int]]:
    """Yield the new token of each row that goes on, step by step until all rows are finished."""
    context_length = model.config.context_length
    windows = {row: rule(prompt, context_length) for row, prompt in enumerate(prompts)}
    reader = WindowReader(model)
    for _ in range(max_new_tokens):
        logits = reader.next_token_logits(windows)
        drawn = sample_token(logits, **settings).tolist()
        tokens = {row: token for row, token in zip(windows, drawn, strict=True) if token not in stops}
        yield tokens
        windows = {row: rule([*windows[row], token], context_length) for row, token in tokens.items()}
        if not windows:
            break
