"""A real text that is already on the machine: Python's language reference and the docstrings of libraries.

Files are read as text and parsed with `ast`; nothing of them is imported or run. The order is fixed, and
whether a document is for training or for validation depends on nothing but its text.
"""

import ast
import hashlib
import importlib.util
import sysconfig
import warnings
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from cs336_basics.files.atomic import replace_file
from cs336_basics.tokenization.lone_surrogates import LONE_SURROGATE
from cs336_basics.tokenization.progress import progress_bar
from cs336_basics.tokenization.special_tokens import END_OF_TEXT
from cs336_basics.tokenization.worker_pool import map_in_order, usable_cpus

MIN_CHARACTERS = 40  # a shorter docstring is hardly a text
VALIDATION_SHARE = 0.05
LIBRARIES = ("torch", "numpy")
FILES_PER_TASK = 32  # source files that a worker process reads at a time

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def write_documentation_corpus(train_path: Path, validation_path: Path, *, progress: bool = False) -> None:
    """Write both parts, each document followed by END_OF_TEXT on a line of its own."""
    with (
        replace_file(train_path, "w") as train,
        replace_file(validation_path, "w") as validation,
    ):
        for document in documents(progress=progress):
            part = validation if is_for_validation(document) else train
            part.write(f"{document}\n{END_OF_TEXT}\n")


def is_for_validation(document: str) -> bool:
    """Take a fixed share of all documents, chosen by a hash of their text."""
    digest = hashlib.sha256(document.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") < VALIDATION_SHARE * 2**64


def documents(*, progress: bool = False) -> Iterator[str]:
    """Yield each document once: the topics of the language reference, then docstrings file by file."""
    seen: set[str] = set()
    for document in chain(reference_topics(), _docstrings_of_all(source_files(), progress)):
        if document not in seen and END_OF_TEXT not in document:
            seen.add(document)
            yield document


def reference_topics() -> list[str]:
    """Return the sections of the language reference that `help()` shows."""
    from pydoc_data.topics import topics

    return [topics[name].strip() for name in sorted(topics)]


def source_files() -> list[Path]:
    """Return the Python files of the standard library, then of each library, in a fixed order."""
    standard_library = Path(sysconfig.get_paths()["stdlib"])
    files = [
        path
        for path in _python_files(standard_library)
        if "site-packages" not in path.relative_to(standard_library).parts
    ]
    for library in LIBRARIES:
        specification = importlib.util.find_spec(library)
        if specification is not None and specification.origin is not None:
            files += _python_files(Path(specification.origin).parent)
    return files


def docstrings(path: Path) -> list[str]:
    """Return the docstrings of a file in the order of the syntax tree; none if it does not parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes and the like, in other people's files
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return []
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, Documented)]
    # Some tests of the standard library have lone surrogates, which no file can hold.
    return [
        text
        for text in found
        if text is not None and len(text) >= MIN_CHARACTERS and not LONE_SURROGATE.search(text)
    ]


def _docstrings_of_all(paths: list[Path], progress: bool) -> Iterator[str]:
    """Read files in worker processes, and yield what they hold in the order of `paths`."""
    tasks = [paths[first : first + FILES_PER_TASK] for first in range(0, len(paths), FILES_PER_TASK)]
    texts_of_tasks = map_in_order(_docstrings_of_some, None, tasks, num_workers=usable_cpus())
    description = "reading documentation"
    with progress_bar(total=len(paths), unit="file", description=description, shown=progress) as bar:
        for task, texts in zip(tasks, texts_of_tasks, strict=True):
            bar.update(len(task))
            yield from texts


def _docstrings_of_some(_: None, paths: list[Path]) -> list[str]:
    return [text for path in paths for text in docstrings(path)]


def _python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix())
