"""A small model whose choices depend on the whole window, for the tests of this folder."""

import torch

from cs336_basics import TransformerLM

VOCAB, CONTEXT = 31, 7
PROMPTS = [[3], [1, 4, 1, 5, 9], [2, 6, 5], [3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4]]


def decided_model(context_length: int = CONTEXT) -> TransformerLM:
    """Random weights, logits far apart."""
    torch.manual_seed(7)
    model = TransformerLM(VOCAB, context_length, 28, 1, 2, 11)
    with torch.no_grad():
        model.get_parameter("layers.0.attn.output_proj.weight").mul_(5)
        model.lm_head.weight.mul_(5)
    return model
