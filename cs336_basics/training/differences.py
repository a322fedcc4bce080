"""Which fields of two configurations are not the same."""

from typing import Any


def differences(stored: Any, given: Any, name: str) -> list[str]:
    """Return a line for each field of nested values that is not the same on both sides."""
    stored, given = by_index(stored), by_index(given)
    if isinstance(stored, dict) and isinstance(given, dict):
        keys = [*stored, *(key for key in given if key not in stored)]
        return [
            line for key in keys for line in differences(stored.get(key), given.get(key), f"{name}.{key}")
        ]
    return [] if stored == given else [f"{name}: {stored} there, {given} given"]


def by_index(value: Any) -> Any:
    """Return a list as a dictionary from its indices, so that its entries are fields too."""
    return {str(index): entry for index, entry in enumerate(value)} if isinstance(value, list) else value
