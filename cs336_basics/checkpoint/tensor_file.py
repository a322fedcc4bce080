"""Tensors in a safetensors file, written straight from their own memory."""

import re
from pathlib import Path

from torch import Tensor

from cs336_basics.files.atomic import replace_path
from cs336_basics.files.failed_write import FailedWriteError

ERROR_OF_THE_SYSTEM = re.compile(r"(?P<reason>[^:]*) \(os error (?P<number>\d+)\)")  # in the library's own


def write_tensors(path: Path, tensors: dict[str, Tensor], *, metadata: dict[str, str] | None = None) -> None:
    """Write contiguous tensors, by name, whole or not at all.

    Of tensors in a CPU's memory no copy is made. A disk that refuses is a `FailedWriteError`. A kill leaves
    a file of the library's own beside, so the folder should be one that is removed then.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with replace_path(path) as beside:
        permissions = beside.stat().st_mode
        try:
            save_file(tensors, beside, metadata=metadata)
        except SafetensorError as error:
            raise FailedWriteError(path, _error_of_the_system(error)) from error
        beside.chmod(permissions)  # the library lets only the owner read


def _error_of_the_system(error: Exception) -> OSError:
    """Return what the library was told by the system, or raise its error where that was nothing."""
    found = ERROR_OF_THE_SYSTEM.search(str(error))
    if found is None:
        raise error
    number = int(found["number"])
    return OSError(number, found["reason"].strip(), None, number)  # the last is what counts on Windows
