"""Several processes on PyTorch's own engines: `torchrun` starts them, DDP or FSDP2 lets them train together.

They are engines, not parts of a model, and with `attention="sdpa"` all that is not from scratch in this
package. `join.py` chooses.
"""
