"""From the data that is given to a tokenizer and token files for each vocabulary that an experiment needs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cs336_basics.experiments.description.experiment import Scale
from cs336_basics.experiments.runs.source_file import (
    describe_file,
    describe_named_file,
    remember_source,
)
from cs336_basics.experiments.runs.text import ExperimentText, documentation_text, own_text
from cs336_basics.files.token_file import write_token_file
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer, train_bpe
from cs336_basics.tokenization.folder import tokenizer_files
from cs336_basics.tokenization.serialization import MERGES_FILE
from cs336_basics.training.token_data import TokenPaths, open_token_data


@dataclass(frozen=True, kw_only=True)
class TokenSet:
    """A tokenizer and what it makes of a text."""

    tokenizer: Path
    vocab_size: int
    """Entries that the tokenizer has; a short text gives fewer than were asked for."""
    tokens: TokenPaths


class Source(ABC):
    """Where token sets come from."""

    label: str

    @abstractmethod
    def token_set(self, vocab_size: int, *, progress: bool) -> TokenSet:
        """Return the tokens for a vocabulary of about this size."""


@dataclass(frozen=True, kw_only=True)
class TextSource(Source):
    """A text: every vocabulary gets its own tokenizer, learned from the part to learn from."""

    text: ExperimentText
    folder: Path

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What a report calls it."""
        return self.text.label

    def token_set(self, vocab_size: int, *, progress: bool) -> TokenSet:
        """Return the tokens, made where they are not there yet."""
        folder = self.folder / f"vocabulary-{vocab_size}"
        if not (folder / MERGES_FILE).is_file():  # it is written last
            vocab, merges = train_bpe(self.text.train, vocab_size, [END_OF_TEXT], progress=progress)
            Tokenizer(vocab, merges, [END_OF_TEXT]).save_to_folder(folder)
        tokenizer = Tokenizer.from_folder(folder)
        train, validation = folder / "train.npy", folder / "validation.npy"
        for text, tokens in ((self.text.train, train), (self.text.validation, validation)):
            if not tokens.is_file():
                tokenizer.encode_file(text, tokens, progress=progress)
        paths = TokenPaths(train=(train,), validation=validation)
        return TokenSet(tokenizer=folder, vocab_size=tokenizer.vocab_size, tokens=paths)


@dataclass(frozen=True, kw_only=True)
class TokenSource(Source):
    """A tokenizer and token files: there is one vocabulary."""

    label: str
    tokenizer: Path
    tokens: TokenPaths

    def token_set(self, vocab_size: int, *, progress: bool) -> TokenSet:
        """Return what is there, whatever the size: it is the tokenizer's."""
        size = Tokenizer.from_folder(self.tokenizer).vocab_size
        return TokenSet(tokenizer=self.tokenizer, vocab_size=size, tokens=self.tokens)


def open_source(data: tuple[Path, ...], folder: Path, scale: Scale, *, progress: bool) -> Source:
    """Return the source of `data`: none, one or two texts, or a tokenizer and one or two token files.

    Without data the scale tiny takes the quickstart's text; the other scales are made for larger ones.
    """
    if not data:
        if scale != "tiny":
            raise ValueError(
                f"only the scale tiny brings a text along but this is {scale}; give one with --data, for "
                "example TinyStories or OpenWebText"
            )
        return TextSource(text=documentation_text(folder, progress=progress), folder=folder)
    if data[0].is_dir() and len(data) in (2, 3):
        return own_tokens(data[0], data[1:], folder)
    if data[0].is_dir() or len(data) > 2:
        raise ValueError(
            "--data takes a text, a text and one to measure on, or the folder of a tokenizer and one or two "
            f"token files, but was given {' '.join(map(str, data))}"
        )
    return TextSource(text=own_text(data, folder), folder=folder)


def own_tokens(tokenizer: Path, files: tuple[Path, ...], folder: Path) -> TokenSource:
    """Return the user's tokens, once they are known to be the tokenizer's."""
    tokens = TokenPaths(train=files[:1], validation=files[1] if len(files) == 2 else None)
    vocab_size = Tokenizer.from_folder(tokenizer).vocab_size
    open_token_data(tokens, vocab_size=vocab_size, context_length=1)
    source = {f"tokenizer's {name}": describe_file(tokenizer / name) for name in tokenizer_files(tokenizer)}
    for role, path in zip(("train tokens", "validation tokens"), files, strict=False):
        source[role] = describe_named_file(path)
    remember_source(folder, source)
    label = " and ".join(path.name for path in files)
    return TokenSource(label=label, tokenizer=tokenizer, tokens=tokens)


def beginning_of(token_set: TokenSet, num_tokens: int, folder: Path) -> TokenSet:
    """Return the same with the first `num_tokens` tokens only to learn from, written to `folder`."""
    data = open_token_data(token_set.tokens, vocab_size=token_set.vocab_size, context_length=1)
    arrays = {
        f"first-{num_tokens}.npy": data.train.datasets[0][:num_tokens],
        "held-out.npy": data.validation,
    }
    for name, ids in arrays.items():
        if not (folder / name).is_file():
            with write_token_file(folder / name, token_set.vocab_size) as file:
                file.append(np.asarray(ids))
    train, validation = (folder / name for name in arrays)
    return TokenSet(
        tokenizer=token_set.tokenizer,
        vocab_size=token_set.vocab_size,
        tokens=TokenPaths(train=(train,), validation=validation),
    )
