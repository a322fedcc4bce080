"""From a prompt of text to a continuation of text, whole or as it comes."""

import codecs
from collections.abc import Iterable, Iterator

import torch

from cs336_basics.generation.decoding import generate, stream_tokens
from cs336_basics.generation.overflow import Overflow
from cs336_basics.generation.stopping import StopTokens
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer

SEEDS = range(-(1 << 63), 1 << 64)  # torch's


def complete_texts(
    model: TransformerLM,
    tokenizer: Tokenizer,
    prompts: list[str],
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
    overflow: Overflow = "recompute",
    stop_token_id: StopTokens = None,
) -> list[str]:
    """Return a continuation of each prompt, up to a stop token, which is END_OF_TEXT where none is given.

    An empty prompt begins a new document.
    """
    continuations = generate(
        model,
        [prompt_ids(tokenizer, prompt) for prompt in prompts],
        max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        stop_token_id=own_stop_token(tokenizer) if stop_token_id is None else stop_token_id,
        generator=seeded_generator(model, seed),
        overflow=overflow,
    )
    return [tokenizer.decode(ids) for ids in continuations]


def stream_text(
    model: TransformerLM,
    tokenizer: Tokenizer,
    prompt: str,
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    generator: torch.Generator,
    overflow: Overflow = "recompute",
    stop_token_id: StopTokens = None,
) -> Iterator[str]:
    """Yield the continuation of one prompt in pieces, each as soon as its characters are complete.

    Joined they are what `complete_texts` returns for the prompt and the same random state.
    """
    ids = stream_tokens(
        model,
        prompt_ids(tokenizer, prompt),
        max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        stop_token_id=own_stop_token(tokenizer) if stop_token_id is None else stop_token_id,
        generator=generator,
        overflow=overflow,
    )
    return decode_stream(tokenizer, ids)


def decode_stream(tokenizer: Tokenizer, ids: Iterable[int]) -> Iterator[str]:
    """Yield the text of `ids` as `tokenizer.decode` gives it, piece by piece.

    The bytes of a character may be spread over several tokens: they are held back until it is whole.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for id in ids:
        text = decoder.decode(tokenizer.decode_bytes([id]))
        if text:
            yield text
    rest = decoder.decode(b"", final=True)
    if rest:
        yield rest


def seeded_generator(model: TransformerLM, seed: int) -> torch.Generator:
    """Return a source of randomness on the model's device; `ValueError` for a seed that it cannot have."""
    if seed not in SEEDS:
        raise ValueError(f"a seed must lie in -2^63..2^64 - 1 but is {seed}; choose a smaller one")
    return torch.Generator(next(model.parameters()).device).manual_seed(seed)


def own_stop_token(tokenizer: Tokenizer) -> int | None:
    """Return the id of END_OF_TEXT, if the tokenizer has it."""
    return tokenizer.special_token_ids.get(END_OF_TEXT)


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Encode a prompt, after the token with which every text begins, if the tokenizer has one.

    If it has none, an empty prompt is END_OF_TEXT, after which a document begins.
    """
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    if prompt or begin:
        return begin + tokenizer.encode(prompt)
    end_of_text = own_stop_token(tokenizer)
    if end_of_text is None:
        raise ValueError(
            f"an empty prompt needs a tokenizer with {END_OF_TEXT}; give some text to start with"
        )
    return [end_of_text]
