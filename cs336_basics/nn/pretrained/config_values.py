"""Single values of a `config.json`, checked, with errors that name the key."""

import reprlib
import sys
from typing import Any

CONFIG_FILE = "config.json"
LARGEST_SIZE = 2**63  # below which PyTorch counts


def unsupported(key: str, expected: object, found: object) -> ValueError:
    """Return the error for a value with which a model is another than ours can be."""
    return ValueError(
        f"a model can be loaded whose {CONFIG_FILE} has {key} = {expected} but here it is "
        f"{reprlib.repr(found)}; take another model"
    )


def positive_integer(values: dict[str, Any], key: str, default: int | None = None) -> int:
    """Return a whole number from 1 up, or `default` where the key is missing or null."""
    value = _value(values, key, default)
    if type(value) is not int or not 1 <= value < LARGEST_SIZE:
        raise _malformed(key, "a whole number from 1 up", value)
    return value


def positive_number(values: dict[str, Any], key: str, default: float | None = None) -> float:
    """Return a finite number above 0, or `default` where the key is missing or null."""
    value = _value(values, key, default)
    if type(value) not in (int, float) or not 0 < value <= sys.float_info.max:
        raise _malformed(key, "a number above 0", value)
    return float(value)


def truth_value(values: dict[str, Any], key: str, default: bool) -> bool:
    """Return True or False, or `default` where the key is missing or null."""
    value = _value(values, key, default)
    if type(value) is not bool:
        raise _malformed(key, "true or false", value)
    return value


def _value(values: dict[str, Any], key: str, default: Any) -> Any:
    """Return a value; JSON's null says that there is none."""
    value = values.get(key)
    return default if value is None else value


def _malformed(key: str, expected: str, found: object) -> ValueError:
    received = f"no {key}" if found is None else f"{key} = {reprlib.repr(found)}"
    return ValueError(f"{CONFIG_FILE} must have {expected} as {key} but has {received}; restore the file")
