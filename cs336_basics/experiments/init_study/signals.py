"""How large activations and gradients are, block by block."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Int64
from torch import Tensor, nn

from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.transformer_lm import TransformerLM


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Standard deviations in the residual stream: after the embedding, and after each block."""

    activations: list[float | None]
    """Of the stream itself; None where it is not finite."""
    gradients: list[float | None]
    """Of the gradient of the mean loss with respect to it; None where it is not finite."""
    loss: float | None
    """Nats per token; None if it is not finite."""


def measure_signals(
    model: TransformerLM, inputs: Int64[Tensor, "batch seq"], targets: Int64[Tensor, "batch seq"]
) -> Signals:
    """Run a batch forward and backward; the gradients of the weights are as empty afterwards as before."""
    with residual_stream(model) as stream:
        loss = cross_entropy(model(inputs), targets)
    loss.backward()
    model.zero_grad(set_to_none=True)
    gradients = [activation.grad for activation in stream]
    return Signals(
        activations=[standard_deviation(activation.detach()) for activation in stream],
        gradients=[None if gradient is None else standard_deviation(gradient) for gradient in gradients],
        loss=finite_or_none(loss.item()),
    )


@contextmanager
def residual_stream(model: TransformerLM) -> Iterator[list[Tensor]]:
    """Collect the outputs of embedding and blocks of the forward pass inside, with their gradients later."""
    stream: list[Tensor] = []

    def collect(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        output.retain_grad()
        stream.append(output)

    hooks = [module.register_forward_hook(collect) for module in (model.token_embeddings, *model.layers)]
    try:
        yield stream
    finally:
        for hook in hooks:
            hook.remove()


def standard_deviation(values: Tensor) -> float | None:
    """Return the standard deviation of all entries; in float64, whose squares do not overflow."""
    return finite_or_none(values.double().std(correction=0).item())


def finite_or_none(value: float) -> float | None:
    """Return a number, or None for infinity and what is no number: JSON has neither."""
    return value if math.isfinite(value) else None
