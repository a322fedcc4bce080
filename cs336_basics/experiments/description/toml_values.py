"""Settings from a TOML file: tables as dotted fields of `RunConfig`, each value in its type."""

import dataclasses
from functools import cache
from typing import Any, get_type_hints

from cs336_basics.training.config import RunConfig
from cs336_basics.training.typed_values import converted


@cache
def field_types() -> dict[str, Any]:
    """Return the types of all dotted fields of `RunConfig`."""
    parts = get_type_hints(RunConfig)
    return {
        f"{part}.{field.name}": get_type_hints(parts[part])[field.name]
        for part in ("model", "optimizer", "training")
        for field in dataclasses.fields(parts[part])
    }


def setting(dotted: str, value: Any) -> Any:
    """Return the value of a field of `RunConfig`; an unknown field or a wrong type is a `ValueError`."""
    if dotted not in field_types():
        raise ValueError(f"a configuration has no field {dotted}; remove it or correct its name")
    return converted(value, field_types()[dotted], dotted)


def flattened(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one with dotted keys: {"model": {"norm": "none"}} -> {"model.norm": "none"}."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
