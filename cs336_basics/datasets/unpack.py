"""From a .gz file to the text in it."""

import gzip
import zlib
from pathlib import Path

from tqdm import tqdm

from cs336_basics.datasets.errors import DownloadError
from cs336_basics.files.atomic import replace_file

BLOCK = 1 << 20


def unpack(packed: Path, text: Path, *, progress: bool = False) -> None:
    """Write the content of `packed` to `text`, whole or not at all; then `packed` goes, as with gunzip.

    A damaged or empty one is a `DownloadError` and stays.
    """
    with (
        open(packed, "rb") as file,
        gzip.open(file) as unpacked,
        replace_file(text) as output,
        tqdm(
            total=packed.stat().st_size,
            unit="B",
            unit_scale=True,
            desc=f"unpacking {packed.name}",
            leave=False,
            disable=not progress,
        ) as bar,
    ):
        try:
            while block := unpacked.read(BLOCK):
                output.write(block)
                bar.update(file.tell() - bar.n)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DownloadError(
                f"{packed} must be a whole gzip file but is damaged ({error}); remove it and try again"
            ) from error
        if output.tell() == 0:
            raise DownloadError(f"{packed} must hold a text but holds nothing; remove it and try again")
    packed.unlink()
