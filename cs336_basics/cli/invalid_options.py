"""Values that an option accepts but a configuration refuses: one sentence that names the option."""

import dataclasses
import re
from dataclasses import replace
from typing import Any

from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructTypeInfo


class InvalidOptionError(Exception):
    """What a configuration said about the values it was built with; no `ValueError`, which tyro would frame
    and put under the name of a field of its own."""


def registry_of_invalid_options() -> ConstructorRegistry:
    """Return rules for tyro by which a `ValueError` of a dataclass leaves it as `InvalidOptionError`."""
    registry = ConstructorRegistry()
    is_asking = False

    @registry.struct_rule
    def tell_instead_of_framing(info: StructTypeInfo) -> StructConstructorSpec | None:
        nonlocal is_asking
        if is_asking or not dataclasses.is_dataclass(info.type):
            return None
        is_asking = True  # the rules that would have been asked without this one
        try:
            spec = ConstructorRegistry.get_struct_spec(info)
        finally:
            is_asking = False
        if not isinstance(spec, StructConstructorSpec):
            return None

        def instantiate(*positional: Any, **named: Any) -> Any:
            try:
                return spec.instantiate(*positional, **named)
            except ValueError as error:
                fields = {field.name for field in spec.fields}
                raise InvalidOptionError(with_option_names(str(error), fields)) from error

        return replace(spec, instantiate=instantiate)

    return registry


def with_option_names(message: str, fields: set[str]) -> str:
    """Write the names of fields in a message as the options that set them: `batch_size` -> `--batch-size`.

    A name that is also a plain word, such as `steps`, is one where the message begins with it.
    """

    def option(match: re.Match[str]) -> str:
        name = match.group()
        is_field = name in fields and ("_" in name or match.start() == 0)
        return option_of(name) if is_field else name

    return re.sub(r"[a-z0-9_]+", option, message)


def with_option_at_the_start(message: str, fields: set[str]) -> str:
    """Write the field that a message begins with ("top_p must ...") as its option, and leave all else.

    For messages that may hold paths and texts of the user's.
    """
    name, space, rule = message.partition(" must ")
    return f"{option_of(name)}{space}{rule}" if space and name in fields else message


def option_of(field: str) -> str:
    """Return what tyro calls a field on the command line: `batch_size` is `--batch-size`."""
    return "--" + field.replace("_", "-")
