"""What training minimises: the mean loss of the next token."""

from typing import TypeGuard

from jaxtyping import Float, Int64
from torch import Tensor, nn

from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.softcapped_head import SoftcappedHead
from cs336_basics.nn.tied_head import TiedHead
from cs336_basics.nn.transformer_lm import TransformerLM


class NextTokenLoss(nn.Module):
    """From ids to a number in one call, which is what PyTorch's engines for several processes wrap.

    A head of ours is not called but its weight is used, so hooks on the head see nothing.
    """

    def __init__(self, model: TransformerLM) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, inputs: Int64[Tensor, "batch seq"], targets: Int64[Tensor, "batch seq"]
    ) -> Float[Tensor, ""]:
        """Return the cross-entropy of the targets, nats per token."""
        hidden = self.model.hidden_states(inputs)
        head, cap = without_cap(self.model.lm_head)
        if multiplies_by_its_weight(head):
            return chunked_cross_entropy(hidden, head.weight, targets, logit_softcap=cap)
        logits = self.model.lm_head(hidden)
        return cross_entropy(logits, targets)


def without_cap(head: nn.Module) -> tuple[nn.Module, float | None]:
    """Return the head inside a `SoftcappedHead` and its cap; any other one as it is, without a cap."""
    if type(head).forward is SoftcappedHead.forward:
        return head.head, head.cap  # pyright: ignore[reportReturnType]
    return head, None


def multiplies_by_its_weight(head: nn.Module) -> TypeGuard[Linear | TiedHead]:
    """Say whether `head.weight` is all there is to a head, so that the loss can do without all its logits.

    A head of the user's, a subclass with a `forward` of its own included, is asked for the logits instead.
    """
    return type(head).forward in (Linear.forward, TiedHead.forward)
