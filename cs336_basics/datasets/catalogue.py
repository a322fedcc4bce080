"""Where the course takes its data sets from."""

from dataclasses import dataclass
from typing import Literal

DatasetName = Literal["tinystories", "owt"]
PACKED = ".gz"


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a data set; one whose name ends in .gz is unpacked."""

    name: str
    num_bytes: int | None = None
    """Size as it is sent; None: what the server says will do."""
    sha256: str | None = None
    """Of what is sent; None: not known."""

    @property
    def text_name(self) -> str:
        """The name when it is unpacked."""
        return self.name.removesuffix(PACKED)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Files below one address."""

    base_url: str
    files: tuple[RemoteFile, ...]


DATASETS: dict[DatasetName, Dataset] = {
    "tinystories": Dataset(
        base_url="https://huggingface.co/datasets/roneneldan/TinyStories/resolve/main",
        files=(
            RemoteFile(name="TinyStoriesV2-GPT4-train.txt"),
            RemoteFile(name="TinyStoriesV2-GPT4-valid.txt"),
        ),
    ),
    "owt": Dataset(
        base_url="https://huggingface.co/datasets/stanford-cs336/owt-sample/resolve/main",
        files=(RemoteFile(name="owt_train.txt.gz"), RemoteFile(name="owt_valid.txt.gz")),
    ),
}
