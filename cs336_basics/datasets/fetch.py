"""Get all files of a data set that are not there yet."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.check import check_file
from cs336_basics.datasets.download import PAUSE, download
from cs336_basics.datasets.errors import DownloadError, NoConnectionError
from cs336_basics.datasets.unpack import unpack
from cs336_basics.files.atomic import make_folder
from cs336_basics.files.lock import locked


def fetch_files(
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    base_url: str,
    progress: bool = False,
    timeout: float = 60.0,
    pause: float = PAUSE,
) -> list[Path]:
    """Download the files below `base_url` into `folder`, unpack them, and return where the texts are.

    A text that is there stays as it is; a packed file that was put there by hand is checked and unpacked.
    Without a connection the `NoConnectionError` says what to get by other means, and where to put it.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise DownloadError(
            f"the texts need a folder but {folder} cannot be one ({error.strerror}); choose another"
        ) from error
    for file in files:
        if (folder / file.text_name).is_file():
            continue
        url = f"{base_url.rstrip('/')}/{file.name}"
        try:
            fetch_file(url, file, folder, progress=progress, timeout=timeout, pause=pause)
        except NoConnectionError as error:
            raise NoConnectionError(f"{error}; {how_to_do_without(files, folder, base_url)}") from error
    return [folder / file.text_name for file in files]


def fetch_file(
    url: str, file: RemoteFile, folder: Path, *, progress: bool, timeout: float, pause: float
) -> None:
    """Download a file unless it was put there by hand, and unpack it, while no other process does.

    A `DownloadError` says so where one is at work. The lock stays behind until the text is there: removed
    earlier, it could be held twice.
    """
    received, text, lock = (folder / name for name in (file.name, file.text_name, f".{file.name}.lock"))
    in_use = DownloadError(
        f"one process at a time fetches a file but another one is at work on {received}; wait for it, or "
        "choose another folder"
    )
    with locked(lock, otherwise=in_use):
        if received.is_file():
            check_file(received, file)
        elif not text.is_file():  # another process may have been quicker
            download(url, received, file, progress=progress, timeout=timeout, pause=pause)
        if not text.is_file():
            unpack(received, text, progress=progress)
    with suppress(OSError):  # on Windows, of another process that asks for it
        lock.unlink()


def how_to_do_without(files: Sequence[RemoteFile], folder: Path, base_url: str) -> str:
    """Say which files to get from where by other means, and where to put them."""
    missing = [file for file in files if not (folder / file.text_name).is_file()]
    pairs = [f"{base_url.rstrip('/')}/{file.name} to {folder / file.name}" for file in missing]
    return f"try again with a network, or bring {' and '.join(pairs)} by other means first"
