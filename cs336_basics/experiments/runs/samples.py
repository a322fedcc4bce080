"""What a trained model writes at every point of a grid of sampling settings."""

from itertools import product
from typing import Any

from cs336_basics.experiments.description.experiment import SampleGrid
from cs336_basics.generation.text import complete_texts
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import Tokenizer

SEED = 0  # the same for all: what differs is the model and the setting


def write_samples(model: TransformerLM, tokenizer: Tokenizer, grid: SampleGrid) -> list[dict[str, Any]]:
    """Return a continuation of each prompt for each temperature and top_p, with what it was asked for."""
    samples = []
    for temperature, top_p in product(grid.temperatures, grid.top_p):
        texts = complete_texts(
            model,
            tokenizer,
            list(grid.prompts),
            max_new_tokens=grid.max_new_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=SEED,
        )
        samples += [
            {"prompt": prompt, "temperature": temperature, "top_p": top_p, "text": text}
            for prompt, text in zip(grid.prompts, texts, strict=True)
        ]
    return samples
