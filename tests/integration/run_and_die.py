"""The command line in processes that kill themselves, torn from one that has everything loaded already.

Loading torch takes seconds, a tiny run a fraction of one. So one process loads all modules and then, for each
line with a job on its input, forks a child that calls the real `main`; it answers with a line that tells how
the child ended. What a job can ask for:

    arguments   of the command, or instead of them
    groups      for each number of processes a list of commands, which they give one after another
    folder      to be in
    errors      the file for its error output, which goes to the other output where none is named
    die_at      kill (SIGKILL) at this operation on files, counted from the first checkpoint that is begun
    signal      get this signal so many seconds (`after`) after the file `waiting_for` has so many `lines`
    file_limit  no file may grow beyond so many bytes: a disk that is full

Operations are each write (half of its bytes are written; tensors of a file count as one), fsync, rename, and
each making and removing of files and folders.
"""

import builtins
import gc
import importlib
import io
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import safetensors.torch

LOADED_BEFORE = (
    "cs336_basics.cli.main",
    "cs336_basics.training.loop",
    "cs336_basics.training.parallel.join",
    "cs336_basics.training.start",
    "matplotlib.backends.backend_agg",
    "torch._dynamo",  # which the first optimizer loads
)
COUNTED = ("fsync", "replace", "rename", "mkdir", "unlink", "remove", "rmdir")


class Countdown:
    """Kills this process at the n-th operation since the first folder of a checkpoint was made."""

    def __init__(self, die_at: int) -> None:
        self.left = die_at
        self.begun = False

    def reached(self) -> bool:
        self.left -= self.begun
        return self.begun and self.left <= 0

    def watch(self, name: str) -> None:
        """Count the calls of a function of `os`."""
        function = getattr(os, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.begun = self.begun or (name == "mkdir" and ".unfinished-step" in str(arguments[0]))
            if self.reached():
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        setattr(os, name, counted)

    def watch_writes(self) -> None:
        """Count the writes to files that are opened from now on, and tear the one that is the last."""
        countdown = self
        plain_open = builtins.open

        class Torn(io.FileIO):
            def write(self, data: Any, /) -> int:
                if countdown.reached():
                    super().write(memoryview(data).cast("B")[: len(data) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().write(data)

        def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if not set(mode) & set("wxa"):
                return plain_open(file, mode, *arguments, **options)
            raw = io.BufferedWriter(Torn(file, mode.replace("b", "").replace("t", "")))
            return raw if "b" in mode else io.TextIOWrapper(raw, encoding="utf-8", newline="\n")

        builtins.open = opened

    def watch_tensor_files(self) -> None:
        """Count the files that safetensors writes, each under a name of its own until it is whole."""
        save_file = safetensors.torch.save_file

        def counted(tensors: Any, path: Path, *arguments: Any, **options: Any) -> None:
            if self.reached():
                content = safetensors.torch.save(tensors)
                path.with_name(".tmpTORN").write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            save_file(tensors, path, *arguments, **options)

        safetensors.torch.save_file = counted


def prepare_to_die(job: dict[str, Any]) -> None:
    """Do what the job asks for, in the child."""
    if "die_at" in job:
        countdown = Countdown(job["die_at"])
        for name in COUNTED:
            countdown.watch(name)
        countdown.watch_writes()
        countdown.watch_tensor_files()
    if "signal" in job:
        threading.Thread(target=get_signal, args=(job,), daemon=True).start()
    if "file_limit" in job:  # Python ignores SIGXFSZ, so that writing fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_limit"], job["file_limit"]))


def get_signal(job: dict[str, Any]) -> None:
    """Wait for the moment and send this process its signal."""
    file = Path(job.get("waiting_for", os.devnull))
    while not file.exists() or file.read_bytes().count(b"\n") < job.get("lines", 0):
        time.sleep(0.001)
    time.sleep(job["after"])
    os.kill(os.getpid(), job["signal"])


def run_job(job: dict[str, Any], output: str) -> None:
    """Be the command, in the child."""
    from cs336_basics.cli.main import main
    from tests.integration.several_processes import give_all

    for stream, path in ((1, output), (2, job.get("errors"))):
        if path is not None:
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    if "errors" not in job:
        os.dup2(1, 2)
    os.chdir(job.get("folder", os.curdir))
    prepare_to_die(job)
    if "groups" in job:
        give_all(job["groups"])
    main(job["arguments"])


def main() -> None:
    """Load everything, then fork a child for each job and tell its exit status."""
    for module in LOADED_BEFORE:
        importlib.import_module(module)
    gc.freeze()  # no child looks at what is loaded, which would copy it
    output = str(Path(sys.argv[1]).resolve())
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 0
            try:
                run_job(json.loads(line), output)
            except SystemExit as error:
                if isinstance(error.code, str):
                    print(error.code, file=sys.stderr)
                status = error.code if isinstance(error.code, int) else int(error.code is not None)
            except BaseException:  # which Python would print, and go on in the parent's loop
                traceback.print_exc()
                status = 1
            sys.stdout.flush()
            os._exit(status)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
