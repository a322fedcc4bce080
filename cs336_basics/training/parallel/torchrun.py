"""Whether `torchrun` has started this process. Without torch: it is asked before torch is loaded."""

import os


def is_started_by_torchrun() -> bool:
    """Say whether this process is one of those that `torchrun` starts."""
    return "TORCHELASTIC_RUN_ID" in os.environ  # as torch.distributed.is_torchelastic_launched


def num_local_processes() -> int:
    """Return how many processes `torchrun` has started on this machine; 1 without it."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
