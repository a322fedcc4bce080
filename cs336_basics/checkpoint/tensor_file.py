"""Tensors in a safetensors file, written straight from their own memory."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from cs336_basics.files.atomic import replace_path
from cs336_basics.files.failed_write import FailedWriteError

ERROR_NUMBER = re.compile(r"\(os error (\d+)\)")  # all that the library tells of an error of the system


def write_tensors(
    path: Path, tensors: dict[str, Tensor], *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write contiguous tensors, by name, whole or not at all; no copy of them is made on a CPU.

    A disk that refuses is a `FailedWriteError`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with replace_path(path) as beside:
        permissions = beside.stat().st_mode
        try:
            save_file(tensors, beside, metadata=None if metadata is None else dict(metadata))
        except SafetensorError as error:
            number = ERROR_NUMBER.search(str(error))
            if number is None:
                raise
            raise FailedWriteError(path, OSError(int(number[1]), os.strerror(int(number[1])))) from error
        beside.chmod(permissions)  # the library lets only the owner read
