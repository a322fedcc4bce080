"""What a forward and a backward pass need of memory, from the order in which tensors come and go."""

import math

from cs336_basics.accounting.activations import keeps_input_only, kept_bytes
from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.engines import EngineMemory, Segments
from cs336_basics.nn.config import ModelConfig


def forward_peak(
    grouped: Segments, config: ModelConfig, batch: Batch, engine_memory: EngineMemory, *, recompute: bool
) -> int:
    """Return the most that a forward pass adds: what was kept so far and the part at work."""
    hidden = FLOAT32_BYTES * batch.tokens * config.d_model
    live = peak = engine_memory.gradients_before
    for segment, gathered in zip(grouped, engine_memory.forward, strict=True):
        inside = live + hidden + gathered
        for part in segment.values():
            saved = sum(part.saved(batch).values())
            peak = max(peak, inside + saved + part.working(batch).forward)
            inside += 0 if keeps_input_only(segment, recompute=recompute) else saved
        live += kept_bytes(segment, config, batch, recompute=recompute)
    return peak


def backward_peak(
    grouped: Segments, config: ModelConfig, batch: Batch, engine_memory: EngineMemory, *, recompute: bool
) -> int:
    """Return the most that exists in a backward pass, which goes through the parts from the end.

    What a part has kept goes when it has been used, and the gradients of its weights come (to what is there
    already, where gradients are accumulated). The result of the last block and the gradient of
    the residual stream exist all the time.
    """
    live = 2 * FLOAT32_BYTES * batch.tokens * config.d_model + engine_memory.gradients_before
    live += sum(kept_bytes(segment, config, batch, recompute=recompute) for segment in grouped)
    peak = live
    for place, segment in reversed(list(enumerate(grouped))):
        saved = kept_bytes(segment, config, batch, recompute=False)
        live += saved - kept_bytes(segment, config, batch, recompute=recompute)
        for part in reversed(segment.values()):
            own = [FLOAT32_BYTES * math.prod(shape) for shape in part.weights().values()]
            working = part.working(batch)
            while_at_work = working.backward + max(own, default=0)  # one gradient after another
            peak = max(peak, live + while_at_work + engine_memory.backward[place])
            come = 0 if engine_memory.gradients_before else sum(own)
            live += come - sum(part.saved(batch).values()) + working.left
            peak = max(peak, live + engine_memory.backward[place])
        live -= engine_memory.given_away[place]
    return max(peak, live + engine_memory.after_backward)


def evaluation_peak(config: ModelConfig, batch: Batch) -> int:
    """Return the logits of all tokens, the same shifted, and their exponentials."""
    return (batch.product_bytes + 2 * FLOAT32_BYTES) * batch.tokens * config.vocab_size
