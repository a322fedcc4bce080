"""Read what wandb leaves offline: protocol buffers in a LevelDB log, behind seven bytes of its own.

A log consists of blocks of 32 KiB; a record is a header (checksum, length, kind) with data, or several of
them when it does not fit into the rest of a block (https://github.com/google/leveldb, doc/log_format.md).
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

BLOCK, HEADER, FILE_HEADER = 1 << 15, struct.Struct("<IHB"), 7
FULL, LAST = 1, 4


def records(path: Path) -> Iterator[Any]:
    data, position, parts = path.read_bytes(), FILE_HEADER, []
    while position < len(data):
        left_in_block = BLOCK - position % BLOCK
        if left_in_block < HEADER.size:
            position += left_in_block
            continue
        _, length, kind = HEADER.unpack_from(data, position)
        position += HEADER.size
        parts.append(data[position : position + length])
        position += length
        if kind in (FULL, LAST):
            record = wandb_internal_pb2.Record()  # pyright: ignore[reportAttributeAccessIssue]
            record.ParseFromString(b"".join(parts))
            yield record
            parts = []


def history(path: Path) -> list[dict[str, Any]]:
    """Return what was logged, a dictionary for each step, without wandb's own entries but for the step."""
    lines = []
    for record in records(path):
        if record.WhichOneof("record_type") == "history":
            items = {
                item.nested_key[0] if item.nested_key else item.key: json.loads(item.value_json)
                for item in record.history.item
            }
            own = {name: value for name, value in items.items() if not name.startswith("_")}
            lines.append({"step": items["_step"], **own})
    return lines


def run_record(path: Path) -> Any:
    """Return what the file says about the run itself."""
    return next(record.run for record in records(path) if record.WhichOneof("record_type") == "run")
