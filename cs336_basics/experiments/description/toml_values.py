"""Values from a TOML file in the types that dataclasses ask for."""

import dataclasses
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cs336_basics.training.config import RunConfig


def converted(value: Any, hint: Any, key: str) -> Any:
    """Return `value` as the type `hint` has it: a list as a tuple, 1 as 1.0 where a float is due.

    Anything that does not fit is a `ValueError` that names `key`.
    """
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(converted(entry, get_args(hint)[0], key) for entry in value)
    if is_of(value, hint):
        return float(value) if hint is float else value
    raise ValueError(f"{key} must be {description(hint)} but is {value!r}; correct it")


def is_of(value: Any, hint: Any) -> bool:
    """Say whether a value is of a type, as configurations use them; a truth value is no number."""
    if get_origin(hint) in (Union, UnionType):
        return any(is_of(value, each) for each in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint


def description(hint: Any) -> str:
    """Return what a value of a type is, in words."""
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(description(each) for each in get_args(hint) if each is not NoneType)
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return f"a list, each entry {description(get_args(hint)[0])}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[hint]


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
