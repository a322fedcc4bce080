"""What makes a run this run and no other: its resolved configuration and its data.

Each checkpoint holds it, so that a run never goes on with another configuration or on other tokens. The
sampler has no state besides: the windows of a step follow from the seed, the step and the data.
"""

import hashlib
import json
from typing import Any

from cs336_basics.training.config import RunConfig
from cs336_basics.training.differences import differences
from cs336_basics.training.token_data import TokenData

PARTS = ("config", "data", "sampler")


def run_identity(config: RunConfig, data: TokenData) -> dict[str, Any]:
    """Return configuration, its hash, data and sampler, as JSON can hold them."""
    content = config.to_dict()
    return {
        "config": content,
        "config_sha256": config_hash(content),
        "data": data.description,
        "sampler": {"windows_from": "seed and step", "seed": config.training.seed},
    }


def config_hash(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a configuration, the same whatever the order of its fields."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def require_same_identity(stored: dict[str, Any], given: dict[str, Any], *, source: object) -> None:
    """Raise `ValueError` with the fields that differ if a checkpoint belongs to another run."""
    differing = [
        difference for part in PARTS for difference in differences(stored.get(part), given[part], part)
    ]
    if differing:
        raise ValueError(
            f"a run continues with the configuration and data it was started with but {source} differs "
            f"({'; '.join(differing)}); choose another run folder, or what it was started with"
        )
