"""The embedding: one row of a matrix for each entry of the vocabulary."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cs336_basics.nn import init


class Embedding(nn.Module):
    """Look up the vector of each id: `weight[ids]`; `weight` has the shape (num_embeddings, embedding_dim).

    Shapes: ids (...) -> (... d_model)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.weight = nn.Parameter(torch.empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        init.embedding_normal(self.weight)

    def forward(self, ids: Int[Tensor, "..."]) -> Float[Tensor, "... d_model"]:
        """Return the rows of the weight that `ids` name.

        On the CPU in eager mode an id outside 0..num_embeddings-1 raises `IndexError`. On an accelerator
        such a check would wait for the device at every step, and under compilation it would cut the graph:
        there, whoever brings ids in checks them once (`open_token_file`, `generate`).
        """
        if ids.device.type == "cpu" and not torch.compiler.is_compiling():
            check_ids(ids, self.num_embeddings)
        # The same as `self.weight[ids]`, whose gradient on a CPU with several threads is summed in an order
        # that changes from run to run.
        rows = self.weight.index_select(0, ids.flatten())
        return rows.view(*ids.shape, self.embedding_dim)

    def extra_repr(self) -> str:
        """Show the sizes when the module is printed."""
        return f"num_embeddings={self.num_embeddings}, embedding_dim={self.embedding_dim}"


def check_ids(ids: Int[Tensor, "..."], vocab_size: int) -> None:
    """Raise `IndexError` for an id that is negative or not below `vocab_size`."""
    if ids.numel() == 0:
        return
    for id in ids.aminmax():
        check_id(int(id), vocab_size)


def check_id(id: int, vocab_size: int) -> None:
    """Raise `IndexError` for one id outside 0..vocab_size-1; a Python int may be too large for a tensor."""
    if not 0 <= id < vocab_size:
        raise IndexError(
            f"token ids must lie in 0..{vocab_size - 1} for a vocabulary of {vocab_size} but got {id}; "
            "use the tokenizer that the model was trained with"
        )
