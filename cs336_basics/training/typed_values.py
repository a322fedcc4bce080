"""Values from a JSON or TOML file in the types that dataclasses ask for."""

import dataclasses
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

LARGEST_INTEGER = 2**63  # below which NumPy and PyTorch count


def built(kind: type[T], values: dict[str, Any], name: str) -> T:
    """Return the dataclass `kind` with the values of a table called `name`.

    A field that is unknown or missing, or a value that does not fit, is a `ValueError` that names it:
    {"d_model": "x"}, "model" -> model.d_model must be a whole number but is 'x'; correct it
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]
    unknown = values.keys() - fields.keys()
    if unknown:
        raise ValueError(f"a configuration has no field {name}.{min(unknown)}; remove it")
    for key, field in fields.items():
        needed = field.default is field.default_factory is dataclasses.MISSING
        if needed and key not in values:
            raise ValueError(f"a configuration must have {name}.{key} but this one has none; add it")
    hints = get_type_hints(kind)
    return kind(**{key: converted(value, hints[key], f"{name}.{key}") for key, value in values.items()})


def converted(value: Any, hint: Any, key: str) -> Any:
    """Return `value` as the type `hint` has it: a list as a tuple, 1 as 1.0 where a float is due.

    Anything that does not fit is a `ValueError` that names `key`.
    """
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(converted(entry, get_args(hint)[0], key) for entry in value)
    if is_of(value, hint):
        return float(value) if type(value) is int and float in (hint, *get_args(hint)) else value
    raise ValueError(f"{key} must be {description(hint)} but is {value!r:.80}; correct it")


def is_of(value: Any, hint: Any) -> bool:
    """Say whether a value is of a type, as configurations use them; a truth value is no number."""
    if get_origin(hint) in (Union, UnionType):
        return any(is_of(value, each) for each in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if type(value) is int and hint in (int, float):
        return abs(value) < LARGEST_INTEGER
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
