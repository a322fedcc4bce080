"""Packages that only an extra of ours installs: imported where they are used, explained where missing."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Say how to install what an import inside the `with` block does not find; `extra` brings it."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"this needs an optional package but {error.name} cannot be imported; "
            f"install it, for example with uv sync --extra {extra}"
        ) from error
