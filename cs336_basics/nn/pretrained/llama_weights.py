"""The weights of a model as Hugging Face's Llama has them: their names, and the order of rotated rows."""

import torch
from torch import Tensor, nn

from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.pretrained.rope_pairing import neighbours_to_halves
from cs336_basics.nn.pretrained.weight_names import llama_name, rotated_heads


@torch.no_grad()
def llama_weights(model: nn.Module, config: ModelConfig) -> dict[str, Tensor]:
    """Return the weights of `model`, which was built from `config`; a tied head is not among them."""
    return {
        llama_name(name): in_their_order(name, weight, config).contiguous()
        for name, weight in model.state_dict().items()
    }


def in_their_order(name: str, weight: Tensor, config: ModelConfig) -> Tensor:
    """Return one of our weights with its rows in their order."""
    num_heads = rotated_heads(name, config)
    return weight if num_heads is None else neighbours_to_halves(weight, num_heads)
