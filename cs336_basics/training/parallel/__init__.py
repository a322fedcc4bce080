"""Several processes on PyTorch's own engines: `torchrun` starts them, DDP or FSDP2 lets them train together.

These are engines, not parts of a model, and the only thing here that is not from scratch. `join.py` chooses.
"""
