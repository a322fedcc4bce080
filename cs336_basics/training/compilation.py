"""torch.compile for a model, part by part, where this machine has what a compiler needs."""

import warnings
from collections.abc import Iterable

import torch
from torch import nn

from cs336_basics.nn.transformer_lm import TransformerLM


def compile_for_training(model: TransformerLM) -> None:
    """Compile the blocks, one compilation for all of them, and the last norm.

    The loss stays as it is: `chunked_cross_entropy` has a backward pass of its own.
    """
    _compile([*model.layers, model.ln_final], _device_of(model))


def compile_for_generation(model: TransformerLM) -> None:
    """Compile norms and feed-forward networks; attention sees another number of keys at each step.

    For a few texts on a CPU, where reading the weights takes the time, this gains nothing.
    """
    names = [f"layers.{layer}.{part}" for layer in range(len(model.layers)) for part in ("ln1", "ln2", "ffn")]
    _compile([model.get_submodule(name) for name in names], _device_of(model))


def _compile(modules: Iterable[nn.Module], device: torch.device) -> None:
    backend = "aot_eager" if device.type == "mps" else "inductor"
    reason = why_not(backend, device)
    if reason is not None:
        warnings.warn(f"going on without compiling, which does not work here ({reason})", stacklevel=3)
        return
    for module in modules:
        module.compile(backend=backend)


def why_not(backend: str, device: torch.device) -> str | None:
    """Compile something small; return None, or in one line why it failed (mostly there is no compiler)."""
    try:
        torch.compile(_successor, backend=backend)(torch.zeros(1, device=device))
    except RuntimeError as error:  # all that the compiler raises
        return str(error).strip().split("\n", 1)[0]
    return None


def _successor(x: torch.Tensor) -> torch.Tensor:
    return x + 1


def _device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
