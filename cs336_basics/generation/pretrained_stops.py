"""Which tokens end a text, by what a Hugging Face folder says about its model."""

from pathlib import Path

from cs336_basics.files.json_file import read_json

GENERATION_FILE, CONFIG_FILE = "generation_config.json", "config.json"  # the former counts first, as there
KEY = "eos_token_id"


def read_stop_token_ids(folder: Path) -> frozenset[int]:
    """Return the ids of the tokens that end a text; none where the folder names none."""
    for file in (folder / GENERATION_FILE, folder / CONFIG_FILE):
        value = read_json(file).get(KEY) if file.is_file() else None
        if value is not None:
            ids = value if isinstance(value, list) else [value]
            if not all(type(id) is int for id in ids):
                raise ValueError(
                    f"{file} must have an id or a list of ids as {KEY} but has {value!r}; correct it"
                )
            return frozenset(ids)
    return frozenset()
