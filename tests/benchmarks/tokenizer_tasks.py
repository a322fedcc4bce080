"""What the tokenizer benchmark asks of each library, and the targets that ours is held against."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.comparison import Subject, Target, Task

OURS = "cs336_basics"
PEERS = ("tokenizers", "rustbpe", "tiktoken")
SUBJECTS = "tests.benchmarks.tokenizer_subjects"
TIMES = 10  # how much longer the repeated text is

TRAINING_TARGETS = {
    10_000: {"tokenizers": Target(asked=0.6), "rustbpe": Target(aim=1.0)},
    32_000: {"tokenizers": Target(asked=0.8), "rustbpe": Target(aim=1.2)},
}
ENCODE_FILE_TARGETS = {"tokenizers": Target(asked=0.25), "tiktoken": Target(asked=1.3, aim=0.7)}
ENCODE_TEXT_TARGETS = {"tiktoken": Target(asked=2.5, aim=1.0)}
TRAINING_MEMORY_TARGETS = {"tokenizers": Target(asked=1.5, aim=1.0)}
ENCODE_FILE_MEMORY_TARGETS = {OURS: Target(aim=400)}


@dataclass(frozen=True)
class Conditions:
    """Under what everything is measured; `folder` takes the files that are written meanwhile."""

    corpus: Path
    folder: Path
    workers: int
    libraries: frozenset[str]

    @property
    def megabytes(self) -> float:
        """The size of the corpus."""
        return self.corpus.stat().st_size / 1e6

    @property
    def tokenizer_folder(self) -> Path:
        """Where the vocabulary lies that all libraries encode with."""
        return self.folder / "tokenizer"

    def token_file(self, library: str) -> Path:
        """Where the ids of one library lie."""
        return self.folder / f"{library}.npy"

    def subjects(self, functions: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Subject]:
        """Return the subjects of those libraries that are to be measured."""
        return {
            library: Subject(f"{SUBJECTS}:{function}", {"corpus": str(self.corpus), **settings})
            for library, (function, settings) in functions.items()
            if library in self.libraries
        }


def train(conditions: Conditions, vocab_size: int) -> Task:
    """From a text file to a vocabulary."""
    size = {"vocab_size": vocab_size}
    functions = {
        OURS: ("train_ours", {**size, "workers": conditions.workers}),
        "tokenizers": ("train_hugging_face", size),
        "rustbpe": ("train_rustbpe", size),
    }
    targets = TRAINING_TARGETS.get(vocab_size, {})
    name = f"train {vocab_size:,} entries"
    return Task(name, "s", conditions.subjects(functions), targets, conditions.megabytes)


def vocabulary_subject(conditions: Conditions, vocab_size: int) -> Subject:
    """Return what writes the vocabulary that all libraries encode with; it is not measured."""
    training = train(conditions, vocab_size).subjects[OURS]
    return replace(training, settings={**training.settings, "folder": str(conditions.tokenizer_folder)})


def encode_file(conditions: Conditions) -> Task:
    """From a text file to a token file."""
    workers = {"workers": conditions.workers}
    functions = {
        OURS: ("encode_file_ours", _encoding_settings(conditions, OURS) | workers),
        "tokenizers": ("encode_file_hugging_face", _encoding_settings(conditions, "tokenizers")),
        "tiktoken": ("encode_file_tiktoken", _encoding_settings(conditions, "tiktoken") | workers),
    }
    subjects = conditions.subjects(functions)
    return Task("encode_file", "s", subjects, ENCODE_FILE_TARGETS, conditions.megabytes)


def encode_text(conditions: Conditions) -> Task:
    """From a string to a list of ids, in one thread, with nothing remembered from before."""
    functions = {
        OURS: ("encode_text_ours", _encoding_settings(conditions, OURS)),
        "tiktoken": ("encode_text_tiktoken", _encoding_settings(conditions, "tiktoken")),
    }
    subjects = conditions.subjects(functions)
    return Task("encode, one thread, new text", "s", subjects, ENCODE_TEXT_TARGETS, conditions.megabytes)


def memory_of(task: Task, targets: Mapping[str, Target]) -> Task:
    """Return the same task with its memory measured instead of its time."""
    return replace(task, name=f"{task.name}: peak memory", unit="MB", targets=targets)


def memory_of_longer_text(task: Task, longer: Conditions) -> Task:
    """Compare the memory that ours takes for a text that repeats the corpus with that for the corpus."""
    once = task.subjects[OURS]
    repeated = Subject(once.function, {**once.settings, "corpus": str(longer.corpus)})
    subjects = {f"{OURS}, {TIMES} times the text": repeated, OURS: once}
    return Task(f"{task.name}: peak memory, long text", "MB", subjects)


def repeat_corpus(conditions: Conditions) -> Conditions:
    """Write the corpus several times into one file, and return the conditions with this file."""
    path = conditions.folder / "repeated.txt"
    with path.open("wb") as repeated:
        for _ in range(TIMES):
            with conditions.corpus.open("rb") as corpus:
                shutil.copyfileobj(corpus, repeated)
    return replace(conditions, corpus=path)


def _encoding_settings(conditions: Conditions, library: str) -> dict[str, str]:
    return {"folder": str(conditions.tokenizer_folder), "output": str(conditions.token_file(library))}
