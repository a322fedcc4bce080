"""Get one file over HTTP: go on where a connection broke, in this process or a later one."""

import math
import time
from pathlib import Path

from tqdm import tqdm

from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.check import check_file, check_room, check_size
from cs336_basics.datasets.errors import NoConnectionError
from cs336_basics.datasets.partial_file import PartialFile
from cs336_basics.datasets.request import Answer, BrokenConnectionError, ask

BLOCK = 1 << 20
ATTEMPTS = 5  # connections in a row that bring nothing new
PAUSE = 1.0  # seconds after the first of them; each further pause is twice as long


def download(
    url: str,
    destination: Path,
    expected: RemoteFile,
    *,
    progress: bool = False,
    timeout: float = 60.0,
    pause: float = PAUSE,
) -> None:
    """Put the file at `url` to `destination` when it is whole and checked.

    Raises `NoConnectionError`, another `DownloadError`, or `FailedWriteError` where the disk is full. What
    has been received until then stays beside `destination` for the next call, unless it is found to be wrong.
    """
    part = PartialFile(destination)
    with tqdm(unit="B", unit_scale=True, desc=expected.name, leave=False, disable=not progress) as bar:
        receive_all(url, part, expected, bar, timeout=timeout, pause=pause)
    try:
        check_file(part.path, expected)
    except OSError:
        part.remove()
        raise
    part.finish()


def receive_all(
    url: str, part: PartialFile, expected: RemoteFile, bar: tqdm, *, timeout: float, pause: float
) -> None:
    """Connect until all bytes are there, or `ATTEMPTS` connections in a row have brought nothing new."""
    furthest, failures = 0, 0
    while True:
        try:
            if receive(url, part, expected, bar, timeout=timeout):
                return
            error = BrokenConnectionError(f"{url} broke off after {part.size:,} bytes")
        except BrokenConnectionError as broken:
            error = broken
        except NoConnectionError as none:
            if furthest == 0:
                raise
            error = none
        failures = 0 if part.size > furthest else failures + 1
        furthest = max(furthest, part.size)
        if failures == ATTEMPTS:
            hint = "; try later, what is there will be used" if part.size > 0 else "; try later"
            raise BrokenConnectionError(f"{error}, also when asked again{hint}") from error
        time.sleep(pause * 2**failures)


def receive(url: str, part: PartialFile, expected: RemoteFile, bar: tqdm, *, timeout: float) -> bool:
    """Receive what one connection brings; say whether the file is whole now."""
    version = part.version(url)
    start = 0 if version is None else part.size
    if version is not None and 0 < start == version.num_bytes:
        return True
    answer = ask(url, start=start, version=version, timeout=timeout)
    if answer is None:
        part.remove()
        raise BrokenConnectionError(f"{url} must have more than {start:,} bytes but has no more")
    with answer:
        if version is None or start == 0 or answer.start != start or not answer.version.agrees(version):
            part.remove()
            if answer.start != 0:  # the rest of another version
                return False
            version = answer.version
            part.begin(version)
        num_bytes = answer.version.num_bytes if version.num_bytes is None else version.num_bytes
        return receive_body(answer, num_bytes, part, expected, bar)


def receive_body(
    answer: Answer, num_bytes: int | None, part: PartialFile, expected: RemoteFile, bar: tqdm
) -> bool:
    """Append the bytes of an answer, of a file of `num_bytes`; say whether it is whole now.

    One that sends more than the whole is not listened to for long.
    """
    if num_bytes is not None:
        check_size(num_bytes, expected, source=answer.version.url)
        check_room(part.path.parent, num_bytes - part.size)
    bar.total, bar.n = num_bytes, part.size
    limit = expected.num_bytes if num_bytes is None else num_bytes
    left = math.inf if limit is None else limit - part.size

    def read() -> bytes:
        nonlocal left
        block = answer.read(BLOCK) if left >= 0 else b""
        left -= len(block)
        bar.update(len(block))
        return block

    part.append(read)
    if left < 0:
        part.remove()
        raise BrokenConnectionError(f"{answer.version.url} must have {limit:,} bytes but sent more")
    return num_bytes is None or part.size == num_bytes
