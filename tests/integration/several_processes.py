"""Be what torchrun starts, without its start: fork groups of processes from one that has loaded torch.

What refuses a command is printed, and the status of all is 1. All groups run at the same time.
"""

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import nullcontext


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


def give(commands: list[list[str]], *, together: bool) -> int:
    """Be one of the processes: give all commands; return 1 if there was one that was refused."""
    from cs336_basics.cli.main import main
    from cs336_basics.training.parallel.join import process_group

    status = 0
    with process_group() if together else nullcontext():
        for arguments in commands:
            try:
                main(arguments)
            except SystemExit as error:
                print(error.code)
                status = 1
    return status


def fork(commands: list[list[str]], variables: dict[str, str]) -> int:
    """Start a process; it ends with 1 after an error."""
    child = os.fork()
    if child > 0:
        return child
    os.environ.update(variables)
    status = 1
    try:
        status = give(commands, together=bool(variables))
    finally:
        sys.stdout.flush()
        os._exit(status)


def give_all(groups: Mapping[str, list[list[str]]]) -> None:
    """Fork for each number of processes, of which 1 is a process alone, those that give its commands."""
    children = []
    for number, commands in groups.items():
        count, port = int(number), free_port()
        for rank in range(count):
            children.append(fork(commands, environment(rank, count, port) if count > 1 else {}))
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(next(filter(None, statuses), 0))  # that of one that was killed is negative
