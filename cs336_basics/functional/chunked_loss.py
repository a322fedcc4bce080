"""Cross-entropy of a language model without its logits: they are made, used and dropped a chunk at a time.

The logits of a batch, tokens times vocabulary, are by far its largest tensor, and the plain form (`loss.py`)
keeps more of that size for the backward pass. Here the gradient is taken while the logits of a chunk are at
hand: with `p = softmax(logits)`, that of the mean loss by the logits is `(p - onehot(target)) / tokens`. The
division waits for the sums: in float16 the quotients would be too small to be told from 0.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from cs336_basics.functional.loss import check_targets
from cs336_basics.functional.precision import product_dtype, wide_dtype
from cs336_basics.functional.softcap import softcap, softcap_slope

CHUNK_TOKENS = 512  # 20 MB of logits of 10,000 entries; fewer take longer, and more are no quicker


def chunked_cross_entropy(
    hidden: Float[Tensor, "*batch d_model"],
    head_weight: Float[Tensor, "vocab d_model"],
    targets: Int[Tensor, "*batch"],
    *,
    logit_softcap: float | None = None,
    chunk_tokens: int = CHUNK_TOKENS,
) -> Float[Tensor, ""]:
    """Return `cross_entropy(hidden @ head_weight.T, targets)` in memory for `chunk_tokens` rows of logits.

    `hidden` is what the model's head is given; with `logit_softcap` the logits go through `softcap` first.
    Products are computed in autocast's type where it is switched on; everything else, and everything without
    autocast, in float32 or better. Differentiable once: a second derivative (`create_graph=True`) gets
    nothing from here.

    Shapes: hidden (*batch d_model), head_weight (vocab d_model), targets (*batch) -> ()
    """
    check_targets(targets, hidden.shape[:-1])
    rows = hidden.reshape(-1, hidden.shape[-1])
    wants_gradient = torch.is_grad_enabled() and (hidden.requires_grad or head_weight.requires_grad)
    return ChunkedCrossEntropy.apply(
        rows, head_weight, targets.flatten(), logit_softcap, chunk_tokens, wants_gradient
    )


class ChunkedCrossEntropy(torch.autograd.Function):
    """The loss and, in the same pass, its gradients."""

    @staticmethod
    def forward(ctx, hidden, head_weight, targets, cap, chunk_tokens, wants_gradient):  # noqa: D102
        dtype = product_dtype(hidden)
        weight = head_weight.to(dtype)
        total_loss = hidden.new_zeros((), dtype=wide_dtype(hidden))
        if wants_gradient:
            hidden_gradient = torch.empty_like(hidden, dtype=wide_dtype(hidden))
            weight_gradient = torch.zeros_like(head_weight, dtype=wide_dtype(head_weight))
        chunk_shape = (min(chunk_tokens, len(hidden)), len(head_weight))
        logits_memory = hidden.new_empty(chunk_shape, dtype=wide_dtype(hidden))
        for start in range(0, len(hidden), chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            chunk_hidden = hidden[chunk].to(dtype)
            logits = put_product(logits_memory[: len(chunk_hidden)], chunk_hidden, weight.T)
            losses, logits_gradient = losses_and_gradient(logits, targets[chunk], cap)
            total_loss += losses.sum()
            if wants_gradient:
                logits_gradient = logits_gradient.to(dtype)
                hidden_gradient[chunk] = logits_gradient @ weight
                add_product(weight_gradient, logits_gradient.T, chunk_hidden)
            del logits_gradient  # which can be a tensor of its own, before the next comes
        if wants_gradient:
            ctx.save_for_backward(hidden_gradient.div_(len(hidden)), weight_gradient.div_(len(hidden)))
        return total_loss / len(hidden)

    @staticmethod
    @once_differentiable
    def backward(ctx, loss_gradient):  # noqa: D102
        hidden_gradient, weight_gradient = ctx.saved_tensors
        # Autograd rounds them to the types of the inputs.
        return hidden_gradient * loss_gradient, weight_gradient * loss_gradient, None, None, None, None


def put_product(
    result: Float[Tensor, "m n"], left: Float[Tensor, "m k"], right: Float[Tensor, "k n"]
) -> Float[Tensor, "m n"]:
    """Write `left @ right` into `result`, without memory for it besides where the types are the same."""
    if result.dtype == left.dtype:
        return torch.mm(left, right, out=result)
    return result.copy_(left @ right)


def add_product(total: Float[Tensor, "m n"], left: Float[Tensor, "m k"], right: Float[Tensor, "k n"]) -> None:
    """Add `left @ right` to `total`, without memory for it besides where the types are the same.

    Float16 is widened first: sums over the tokens of a chunk leave its range.
    """
    if left.dtype in (total.dtype, torch.float16):
        total.addmm_(left.to(total.dtype), right.to(total.dtype))
    else:
        total += left @ right


def losses_and_gradient(
    logits: Float[Tensor, "tokens vocab"], targets: Int[Tensor, "tokens"], cap: float | None
) -> tuple[Float[Tensor, "tokens"], Float[Tensor, "tokens vocab"]]:
    """Return the loss of each row and its gradient by the logits, whose memory is used."""
    if cap is None:
        return softmax_losses_and_gradient(logits, targets)
    capped = softcap(logits, cap)
    slope = softcap_slope(capped, cap)
    losses, capped_gradient = softmax_losses_and_gradient(capped, targets)
    return losses, capped_gradient.mul_(slope)


def softmax_losses_and_gradient(
    logits: Float[Tensor, "tokens vocab"], targets: Int[Tensor, "tokens"]
) -> tuple[Float[Tensor, "tokens"], Float[Tensor, "tokens vocab"]]:
    """Return `-log softmax(logits)[target]` of each row and its gradient, which takes the logits' memory."""
    target_column = targets.long().unsqueeze(-1)
    largest = logits.amax(dim=-1, keepdim=True)
    shifted = logits.sub_(largest)
    target_logits = shifted.gather(-1, target_column)
    exponentials = shifted.exp_()
    normalizers = exponentials.sum(dim=-1, keepdim=True)
    losses = torch.log(normalizers) - target_logits
    probabilities = exponentials.div_(normalizers)
    gradient = probabilities.scatter_add_(-1, target_column, torch.full_like(target_logits, -1.0))
    return losses.squeeze(-1), gradient
