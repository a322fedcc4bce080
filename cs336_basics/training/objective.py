"""What training minimises: the mean loss of the next token."""

from jaxtyping import Float, Int64
from torch import Tensor, nn

from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.nn.transformer_lm import TransformerLM


class NextTokenLoss(nn.Module):
    """From ids to a number in one call, which is what PyTorch's engines for several processes wrap."""

    def __init__(self, model: TransformerLM) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, inputs: Int64[Tensor, "batch seq"], targets: Int64[Tensor, "batch seq"]
    ) -> Float[Tensor, ""]:
        """Return the cross-entropy of the targets, nats per token."""
        hidden = self.model.hidden_states(inputs)
        loss = chunked_cross_entropy(
            hidden, self.model.lm_head.weight, targets, logit_softcap=self.model.config.logit_softcap
        )
        return loss
