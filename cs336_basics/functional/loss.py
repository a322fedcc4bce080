"""Cross-entropy in its plain form, and perplexity."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32


def cross_entropy(logits: Float[Tensor, "*batch vocab"], targets: Int[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """Return the mean of `-log softmax(logits)[target]` in nats, over all leading axes.

    The logarithm cancels the exponential of the softmax: what remains is `log sum_j exp(o_j) - o_target`.
    The largest logit is subtracted from all first, so that logits of 1e4 do not overflow.

    Shapes: logits (*batch vocab), targets (*batch) -> ()
    """
    return token_losses(logits, targets).mean()


def token_losses(
    logits: Float[Tensor, "*batch vocab"], targets: Int[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """Return `-log softmax(logits)[target]` in nats for each target, in float32 or better."""
    check_targets(targets, logits.shape[:-1])
    largest = at_least_float32(logits.detach().amax(dim=-1, keepdim=True))
    shifted = logits - largest  # in the wider type of the two
    log_normalizers = torch.log(torch.exp(shifted).sum(dim=-1))
    target_logits = shifted.gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
    return log_normalizers - target_logits


def check_targets(targets: Int[Tensor, "..."], expected: torch.Size) -> None:
    """Raise `ValueError` unless there is one target for each row, `TypeError` unless targets are integers.

    Others would be broadcast or cut off, unnoticed.
    """
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise TypeError(f"targets must be integers but are {targets.dtype}; give the ids of the tokens")
    if targets.shape != expected:
        raise ValueError(
            f"targets must have the shape of what they are the targets of, {tuple(expected)}, but have "
            f"{tuple(targets.shape)}; reshape one of the two"
        )


def perplexity(mean_loss: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Return `exp(mean_loss)`: among how many equally likely tokens the model hesitates on average.

    Shapes: mean_loss () -> ()
    """
    return torch.exp(mean_loss)
