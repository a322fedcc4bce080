"""Get all files of a data set that are not there yet."""

from collections.abc import Sequence
from pathlib import Path

from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.check import check_file
from cs336_basics.datasets.download import PAUSE, download
from cs336_basics.datasets.errors import DownloadError, NoConnectionError
from cs336_basics.datasets.unpack import unpack
from cs336_basics.files.atomic import make_folder


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
        received = folder / file.name
        if received.is_file():
            check_file(received, file)
        else:
            url = f"{base_url.rstrip('/')}/{file.name}"
            try:
                download(url, received, file, progress=progress, timeout=timeout, pause=pause)
            except NoConnectionError as error:
                raise NoConnectionError(f"{error}; {how_to_do_without(files, folder, base_url)}") from error
        if file.name != file.text_name:
            unpack(received, folder / file.text_name, progress=progress)
    return [folder / file.text_name for file in files]


def how_to_do_without(files: Sequence[RemoteFile], folder: Path, base_url: str) -> str:
    """Say which files to get from where by other means, and where to put them."""
    missing = [file for file in files if not (folder / file.text_name).is_file()]
    pairs = [f"{base_url.rstrip('/')}/{file.name} to {folder / file.name}" for file in missing]
    return f"try again with a network, or bring {' and '.join(pairs)} by other means first"
