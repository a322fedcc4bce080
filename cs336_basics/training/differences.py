"""Which fields of two nested dictionaries are not the same."""

from typing import Any


def differences(stored: Any, given: Any, name: str) -> list[str]:
    """Return a line for each field of nested dictionaries that is not the same on both sides."""
    if isinstance(stored, dict) and isinstance(given, dict):
        keys = [*stored, *(key for key in given if key not in stored)]
        return [
            line for key in keys for line in differences(stored.get(key), given.get(key), f"{name}.{key}")
        ]
    return [] if stored == given else [f"{name}: {stored} there, {given} given"]
