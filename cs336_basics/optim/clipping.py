"""Gradient clipping by one global norm (Pascanu et al. 2013, arXiv:1211.5063)."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32


@torch.no_grad()
def clip_gradients(
    parameters: Tensor | Iterable[Tensor], max_l2_norm: float, eps: float = 1e-6
) -> Float[Tensor, ""]:
    """Scale all gradients in place so that their norm, taken as one long vector, is at most `max_l2_norm`.

    The norm is `sqrt(sum of g^2 over all entries g)`. A larger one is scaled by `max_l2_norm / (norm + eps)`;
    others stay as they are, and parameters without a gradient are skipped. (Of a single tensor, the gradient
    is clipped alone.) Returns the norm before clipping, as a tensor on the device of the gradients (no wait
    for it).

    Shapes: -> ()
    """
    if not max_l2_norm >= 0:  # also true for NaN
        raise ValueError(f"max_l2_norm must not be negative but is {max_l2_norm}")
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = global_l2_norm(gradients)
    scale_down(gradients, norm, max_l2_norm, eps)
    return norm


@torch.no_grad()
def scale_down(
    gradients: list[Tensor], norm: Float[Tensor, ""], max_l2_norm: float, eps: float = 1e-6
) -> None:
    """Scale gradients whose global norm is `norm` in place, so that it is at most `max_l2_norm`."""
    scale = torch.where(norm <= max_l2_norm, 1.0, max_l2_norm / (norm + eps))
    for gradient in gradients:
        gradient.mul_(scale.to(gradient.device))


def global_l2_norm(tensors: list[Tensor]) -> Float[Tensor, ""]:
    """Return the L2 norm of all entries of all tensors together, in float32 or better; 0 for no tensor."""
    if not tensors:
        return torch.tensor(0.0)
    norms = [torch.linalg.vector_norm(at_least_float32(tensor)) for tensor in tensors]
    return torch.linalg.vector_norm(torch.stack([norm.to(norms[0].device) for norm in norms]))
