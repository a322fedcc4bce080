"""The decoding loop without a cache: the definition of `decoding.generate`; step through this one first.

At each step the model reads the whole window of each text again, of which only the last token is new. That
is slow, and there is nothing else to understand about it.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from cs336_basics.generation.checks import Prompt, as_prompts, check_settings
from cs336_basics.generation.overflow import Overflow, overflow_rule
from cs336_basics.generation.sampling import sample_token
from cs336_basics.generation.stopping import StopTokens, stop_token_ids
from cs336_basics.nn.transformer_lm import TransformerLM


@torch.no_grad()
def generate_plainly(
    model: TransformerLM,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    stop_token_id: StopTokens = None,
    generator: torch.Generator | None = None,
    overflow: Overflow = "recompute",
) -> list[list[int]]:
    """Continue each prompt of a batch, and return only the new ids; the options are those of `generate`."""
    check_settings(max_new_tokens, temperature, top_p)
    rule, context_length = overflow_rule(overflow), model.config.context_length
    stops = stop_token_ids(stop_token_id)
    texts, _ = as_prompts(prompts, model.config.vocab_size)
    windows = [rule(text, context_length) for text in texts]
    continuations: list[list[int]] = [[] for _ in texts]
    unfinished = list(range(len(texts)))
    for _ in range(max_new_tokens):
        if not unfinished:
            break
        logits = next_token_logits(model, [windows[row] for row in unfinished])
        tokens = sample_token(logits, temperature=temperature, top_p=top_p, generator=generator).tolist()
        unfinished = [row for row, token in zip(unfinished, tokens, strict=True) if token not in stops]
        new_tokens = [token for token in tokens if token not in stops]
        for row, token in zip(unfinished, new_tokens, strict=True):
            continuations[row].append(token)
            windows[row] = rule([*windows[row], token], context_length)
    return continuations


def next_token_logits(model: TransformerLM, windows: Sequence[list[int]]) -> Float[Tensor, "batch vocab"]:
    """Return the logits after the last token of each window.

    Windows of unequal length are filled up on the right, where a causal model does not look.
    """
    device = next(model.parameters()).device
    ids = pad_right(windows).to(device)
    last = torch.tensor([len(window) - 1 for window in windows], device=device)
    logits = model(ids)
    return logits[torch.arange(len(windows), device=device), last]


def pad_right(windows: Sequence[list[int]]) -> Int64[Tensor, "batch seq"]:
    """Put windows of unequal length into one tensor, filled up with id 0."""
    longest = max(len(window) for window in windows)
    return torch.tensor([window + [0] * (longest - len(window)) for window in windows])
