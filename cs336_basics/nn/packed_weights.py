"""A model whose large matrices lie as the processor reads them best, to write several texts at once."""

import copy
from typing import TypeVar

from torch import nn

from cs336_basics.functional.packed_product import is_packable, packed_product
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.tied_head import TiedHead

FEWEST_TEXTS, FEWEST_TOKENS = 5, 16  # below, laying the weights out takes longer than is gained

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def packed_for_generation(model: AnyModule, *, num_texts: int, max_new_tokens: int) -> AnyModule:
    """Return the model, or one with packed weights where that is the quicker way to so many tokens."""
    is_worth_it = num_texts >= FEWEST_TEXTS and max_new_tokens >= FEWEST_TOKENS
    return with_packed_weights(model) if is_worth_it else model


def with_packed_weights(module: AnyModule) -> AnyModule:
    """Return a module that shares all but its children with `module`, and multiplies by packed weights.

    The packed weights are copies, of which later changes of the weights know nothing, and gradients do not
    flow through them. What was compiled is not compiled in the copy.
    """
    twin = copy.copy(module)
    twin._modules = {
        name: None if child is None else with_packed_weights(child) for name, child in module._modules.items()
    }
    if isinstance(twin, Linear | TiedHead) and is_packable(twin.weight):
        twin.multiply = packed_product(twin.weight)
    return twin
