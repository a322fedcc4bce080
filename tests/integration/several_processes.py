"""Be what torchrun starts, without its start: load torch once, then fork groups of processes.

`python -m tests.integration.several_processes FILE` with a JSON object: for each number of processes a list
of command lines, which they give one after another. A number of 1 is a process alone. All groups run at the
same time.
"""

import importlib
import json
import os
import socket
import sys
from contextlib import nullcontext
from pathlib import Path

from tests.integration.run_and_die import LOADED_BEFORE

LOADED = (*LOADED_BEFORE, "cs336_basics.training.parallel")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(rank: int, count: int, port: int) -> dict[str, str]:
    """Return what torchrun would set."""
    of_torchrun = {
        "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test",
    }  # fmt: skip
    return {name: str(value) for name, value in of_torchrun.items()}


def give(commands: list[list[str]], *, together: bool) -> None:
    """Be one of the processes: give all commands."""
    from cs336_basics.cli.main import main
    from cs336_basics.training.parallel import process_group

    with process_group() if together else nullcontext():
        for arguments in commands:
            main(arguments)


def fork(commands: list[list[str]], variables: dict[str, str]) -> int:
    """Start a process; it ends with 1 after an error."""
    child = os.fork()
    if child > 0:
        return child
    os.environ.update(variables)
    status = 1
    try:
        give(commands, together=bool(variables))
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def main() -> None:
    for module in LOADED:
        importlib.import_module(module)
    children = []
    for number, commands in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).items():
        count, port = int(number), free_port()
        for rank in range(count):
            children.append(fork(commands, environment(rank, count, port) if count > 1 else {}))
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


if __name__ == "__main__":
    main()
