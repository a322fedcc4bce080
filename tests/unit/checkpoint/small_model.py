"""A language model of a few weights with its optimizer, trained for some steps."""

import io
from typing import Any

import torch
from torch import nn

from cs336_basics import AdamW, ModelConfig, TransformerLM, cross_entropy

VOCAB, CONTEXT = 31, 7


def model_and_optimizer(seed: int = 7, **shape: int) -> tuple[TransformerLM, AdamW]:
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {"vocab_size": VOCAB, "num_layers": 2, "d_ff": 11} | shape
    model = TransformerLM.from_config(ModelConfig(context_length=CONTEXT, d_model=28, num_heads=2, **sizes))
    return model, AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.95))


def train(model: TransformerLM, optimizer: AdamW, steps: range) -> None:
    for step in steps:
        ids = torch.randint(VOCAB, (3, CONTEXT), generator=torch.Generator().manual_seed(step))
        loss = cross_entropy(model(ids[:, :-1]), ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def trained(steps: int = 5) -> tuple[TransformerLM, AdamW]:
    model, optimizer = model_and_optimizer()
    train(model, optimizer, range(steps))
    return model, optimizer


def snapshot(model: nn.Module, optimizer: torch.optim.Optimizer) -> bytes:
    content = io.BytesIO()
    torch.save([model.state_dict(), optimizer.state_dict()], content)
    return content.getvalue()
