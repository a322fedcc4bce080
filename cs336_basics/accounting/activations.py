"""The memory of activations: what autograd keeps from the forward pass for the backward pass."""

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.build import LossForm, build_parts, folded, is_in_a_block, segments
from cs336_basics.accounting.parts.part import Part
from cs336_basics.nn.config import ModelConfig


def saved_by_part(config: ModelConfig, batch: Batch, *, loss: LossForm = "chunked") -> dict[str, int]:
    """Return the bytes that autograd keeps for each part; all layers are one entry, `layers.*.attn`."""
    sizes: dict[str, int] = {}
    for name, part in build_parts(config, loss=loss).items():
        sizes[folded(name)] = sizes.get(folded(name), 0) + sum(part.saved(batch).values())
    return {name: size for name, size in sizes.items() if size > 0}


def activation_bytes(
    config: ModelConfig, batch: Batch, *, loss: LossForm = "chunked", recompute: bool = False
) -> int:
    """Return the bytes that are kept when the forward pass ends.

    With `recompute` (activation checkpointing, Chen et al. 2016, arXiv:1604.06174), only the input of each
    block is kept.
    """
    grouped = segments(build_parts(config, loss=loss))
    return sum(kept_bytes(segment, config, batch, recompute=recompute) for segment in grouped)


def kept_bytes(segment: dict[str, Part], config: ModelConfig, batch: Batch, *, recompute: bool) -> int:
    """Return the bytes that a segment keeps after its forward pass."""
    if keeps_input_only(segment, recompute=recompute):
        return FLOAT32_BYTES * batch.tokens * config.d_model
    return sum(sum(part.saved(batch).values()) for part in segment.values())


def keeps_input_only(segment: dict[str, Part], *, recompute: bool) -> bool:
    """Say whether the segment is a block that is computed again in the backward pass."""
    return recompute and any(map(is_in_a_block, segment))
