"""What comes before training: the text, its tokenizer, its token files. What is there already is kept."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cs336_basics.quickstart.documentation_corpus import write_documentation_corpus
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer, train_bpe
from cs336_basics.tokenization.serialization import MERGES_FILE
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenPaths


@dataclass(frozen=True)
class QuickstartFiles:
    """Names the files that the quickstart adds to the run folder."""

    run: RunFolder

    @property
    def train_text(self) -> Path:
        """What the tokenizer and the model learn from."""
        return self.run.path / "train.txt"

    @property
    def validation_text(self) -> Path:
        """What the model is measured on."""
        return self.run.path / "validation.txt"

    @property
    def train_tokens(self) -> Path:
        """The training text as token ids."""
        return self.run.path / "train.npy"

    @property
    def validation_tokens(self) -> Path:
        """The validation text as token ids."""
        return self.run.path / "validation.npy"

    @property
    def tokens(self) -> TokenPaths:
        """Both token files."""
        return TokenPaths(train=(self.train_tokens,), validation=self.validation_tokens)

    @property
    def samples(self) -> Path:
        """What the trained model writes."""
        return self.run.path / "samples.txt"


def prepare_text(files: QuickstartFiles, *, progress: bool) -> None:
    """Write the corpus."""
    if not (files.train_text.is_file() and files.validation_text.is_file()):
        write_documentation_corpus(files.train_text, files.validation_text, progress=progress)


def prepare_tokenizer(files: QuickstartFiles, vocab_size: int, *, progress: bool) -> Tokenizer:
    """Train a tokenizer on the training text, with END_OF_TEXT as its special token."""
    folder = files.run.tokenizer
    # The merges are written last: where it is, the tokenizer is complete.
    if not (folder / MERGES_FILE).is_file():
        vocab, merges = train_bpe(files.train_text, vocab_size, [END_OF_TEXT], progress=progress)
        Tokenizer(vocab, merges, [END_OF_TEXT]).save_to_folder(folder)
    return Tokenizer.from_folder(folder)


def prepare_tokens(files: QuickstartFiles, tokenizer: Tokenizer, *, progress: bool) -> None:
    """Encode both texts."""
    for text, tokens in (
        (files.train_text, files.train_tokens),
        (files.validation_text, files.validation_tokens),
    ):
        if not tokens.is_file():
            tokenizer.encode_file(text, tokens, progress=progress)


def describe_text(files: QuickstartFiles) -> dict[str, dict[str, int | str]]:
    """Return the size in bytes and the SHA-256 of both texts."""
    return {
        path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in (files.train_text, files.validation_text)
    }


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
