"""Measure the tokenizer beside other libraries: `python -m tests.benchmarks.tokenizer --corpus my.txt`.

The text is UTF-8 with `<|endoftext|>` between documents. Everything runs on this machine, by turns, each
time in a fresh process; imports and preparation are not in the times, but reading the file is, except where
a string is encoded. Peak memory is that of all processes of a measurement together, imports included. The
table goes to the standard output, progress to the standard error output.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cs336_basics.tokenization.interchange.unicode_differences import (
    code_points_huggingface_splits_differently,
    code_points_tiktoken_splits_differently,
)
from tests.benchmarks import tokenizer_tasks as tasks
from tests.benchmarks.comparison import HEADER, Results, Task, measure, rows
from tests.benchmarks.fresh_process import measure_in_fresh_process, memory_can_be_sampled
from tests.benchmarks.machine import describe_machine
from tests.benchmarks.table import markdown_table

PARTS = ("train", "encode", "memory")
CODE_POINTS_SPLIT_DIFFERENTLY = {
    "tokenizers": code_points_huggingface_splits_differently,
    "tiktoken": code_points_tiktoken_splits_differently,
}
LARGEST_VOCABULARY = 1 << 16  # the ids are compared as uint16


def main() -> None:
    """Measure what the command line asks for, corpus by corpus."""
    options = parse_command_line()
    absent = {peer for peer in tasks.PEERS if find_spec(peer) is None}
    libraries = frozenset({tasks.OURS, *tasks.PEERS} - absent - set(options.without))
    print(f"{describe_machine(['numpy', 'regex', *tasks.PEERS])}.\n")
    print(f"Workers (processes of ours, threads of the others): {options.workers}. ", end="")
    print(f"Repetitions of everything: {options.repetitions}.")
    for library in sorted(absent | set(options.without)):
        print(f"\nNote: without {library}, which is {'not installed' if library in absent else 'left out'}.")
    for library, find in CODE_POINTS_SPLIT_DIFFERENTLY.items():
        if library in libraries:
            print(f"\nNote: {library} splits {len(find()):,} code points otherwise than we do.")
    if "memory" in options.only and not memory_can_be_sampled():
        print("\nNote: without peak memory, which only Linux tells for several processes together.")
    for corpus in options.corpus:
        with tempfile.TemporaryDirectory(prefix="cs336-benchmark-") as folder:
            conditions = tasks.Conditions(corpus.resolve(), Path(folder), options.workers, libraries)
            benchmark(conditions, options)


def parse_command_line() -> argparse.Namespace:
    """Return the options; refuse what would fail only after a while."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tokenizer", description=__doc__)
    parser.add_argument("--corpus", type=Path, action="append", required=True, help="may be given repeatedly")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes of ours, threads of the others")
    parser.add_argument(
        "--vocab-sizes", type=int, nargs="+", default=[10_000, 32_000],
        help="to train; the first is also for encoding and memory",
    )  # fmt: skip
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts of the benchmark")
    parser.add_argument("--without", choices=tasks.PEERS, nargs="+", default=[], help="leave libraries out")
    parser.add_argument(
        "--scaling", action="store_true", help="also the memory for a text that is ten times as long"
    )
    options = parser.parse_args()
    for corpus in options.corpus:
        if not corpus.is_file():
            parser.error(f"no file at {corpus}")
    if min(options.workers, options.repetitions) < 1:
        parser.error("--workers and --repetitions must be at least 1")
    if options.vocab_sizes[0] > LARGEST_VOCABULARY:
        parser.error(f"the first of --vocab-sizes must be at most {LARGEST_VOCABULARY}")
    return options


def benchmark(conditions: tasks.Conditions, options: argparse.Namespace) -> None:
    """Measure everything on one corpus and print its table and what was noticed."""
    if set(options.only) != {"train"}:
        say(f"{conditions.corpus.name}: preparing the vocabulary for encoding")
        vocabulary = tasks.vocabulary_subject(conditions, options.vocab_sizes[0])
        measure_in_fresh_process(vocabulary.function, vocabulary.settings)
    environment = {"RAYON_NUM_THREADS": str(conditions.workers), "TOKENIZERS_PARALLELISM": "true"}
    lines, notes = [], []
    for task in chosen_tasks(conditions, options):
        results = measure(task, repetitions=options.repetitions, environment=environment, say=say)
        lines += rows(task, results)
        notes += [*training_notes(task, results), *encoding_notes(conditions, task)]
    print(f"\n## {conditions.corpus.name} ({conditions.megabytes:.1f} MB)\n")
    print("\n".join([markdown_table(HEADER, lines), "", *notes]), flush=True)


def say(line: str) -> None:
    """Show progress."""
    print(line, file=sys.stderr, flush=True)


def chosen_tasks(conditions: tasks.Conditions, options: argparse.Namespace) -> Iterator[Task]:
    """Yield the tasks in the order of the table; a corpus is repeated only when its turn has come."""
    training = [tasks.train(conditions, vocab_size) for vocab_size in options.vocab_sizes]
    encode_file = tasks.encode_file(conditions)
    if "train" in options.only:
        yield from training
    if "encode" in options.only:
        yield from (encode_file, tasks.encode_text(conditions))
    if "memory" not in options.only or not memory_can_be_sampled():
        return
    yield tasks.memory_of(training[0], tasks.TRAINING_MEMORY_TARGETS)
    yield tasks.memory_of(encode_file, tasks.ENCODE_FILE_MEMORY_TARGETS)
    if options.scaling:
        longer = tasks.repeat_corpus(conditions)
        yield from (tasks.memory_of_longer_text(task, longer) for task in (training[0], encode_file))


def training_notes(task: Task, results: Results) -> Iterator[str]:
    """Yield a line for each library whose vocabulary is not as large as was asked."""
    for library, subject in task.subjects.items():
        wanted = subject.settings.get("vocab_size")
        found = results[library][-1].facts.get("entries", wanted)
        if found != wanted:
            yield f"- {task.name}: {library} made {found:,} entries."


def encoding_notes(conditions: tasks.Conditions, task: Task) -> Iterator[str]:
    """Yield for each peer whether the ids that it has just written are ours."""
    if "output" not in task.subjects[tasks.OURS].settings or task.unit != "s":
        return
    ours = np.load(conditions.token_file(tasks.OURS), mmap_mode="r")
    for library in task.subjects:
        if library == tasks.OURS:
            continue
        theirs = np.load(conditions.token_file(library), mmap_mode="r")
        if len(theirs) != len(ours):
            difference = f"writes {len(theirs):,} ids, and ours {len(ours):,}"
        elif not np.array_equal(theirs, ours):
            difference = f"writes other ids than ours, first at {int(np.argmax(theirs != ours)):,}"
        else:
            difference = f"writes the same {len(ours):,} ids as ours"
        yield f"- {task.name}: {library} {difference}."


if __name__ == "__main__":
    main()
