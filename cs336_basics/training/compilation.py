"""torch.compile for a model, part by part, where this machine has what a compiler needs."""

import warnings

import torch
from torch import nn

from cs336_basics.nn.transformer_lm import TransformerLM


def compile_for_training(model: TransformerLM) -> None:
    """Compile the blocks, one compilation for all of them, and the last norm.

    The loss stays as it is: `chunked_cross_entropy` has a backward pass of its own. AdamW stays as well: on
    a CPU it has a compiled kernel anyway (`optim/adamw_kernel.py`).
    """
    backend = _backend_for(model)
    if backend is None:
        return
    for module in (*model.layers, model.ln_final):
        module.compile(backend=backend)


def compile_for_generation(model: TransformerLM) -> None:
    """Compile norms and feed-forward networks; attention sees another number of keys at each step.

    For a few texts on a CPU, where reading the weights takes the time, this gains nothing.
    """
    backend = _backend_for(model)
    if backend is None:
        return
    for layer in model.layers:
        for part in ("ln1", "ln2", "ffn"):
            layer.get_submodule(part).compile(backend=backend)


def _backend_for(model: nn.Module) -> str | None:
    """Return what can compile for the model's device; None, after a warning, where nothing can."""
    device = next(model.parameters()).device
    backend = "aot_eager" if device.type == "mps" else "inductor"
    reason = why_not(backend, device)
    if reason is None:
        return backend
    warnings.warn(f"going on without compiling, which does not work here ({reason})", stacklevel=3)
    return None


def why_not(backend: str, device: torch.device) -> str | None:
    """Compile something small; return None, or in one line why it failed (mostly there is no compiler)."""
    try:
        torch.compile(_successor, backend=backend)(torch.zeros(1, device=device))
    except (RuntimeError, OSError) as error:  # OSError: of the folder in which it works
        return str(error).strip().split("\n", 1)[0]
    return None


def _successor(x: torch.Tensor) -> torch.Tensor:
    return x + 1
