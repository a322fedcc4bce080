"""Measure training and generation beside Hugging Face's Llama: `python -m tests.benchmarks.model`.

Time: all libraries in one process, by turns, medians. Memory and import: a fresh process each. The table
goes to the standard output, progress to the standard error output.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import torch

from tests.benchmarks import model_tasks as tasks
from tests.benchmarks.comparison import HEADER, rows
from tests.benchmarks.fresh_process import memory_can_be_sampled
from tests.benchmarks.machine import describe_machine
from tests.benchmarks.model_subjects import OURS, PLAIN, SDPA, Shape
from tests.benchmarks.table import markdown_table

PARTS: dict[str, Callable[[Shape, int], Iterator[tasks.Measured]]] = {
    "training": tasks.training,
    "compiled": tasks.compiled,
    "memory": tasks.memory,
    "optimizer": tasks.optimizer,
    "generation": tasks.generation,
    "import": tasks.imports,
}
LENGTH = "length"
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
NEED_MEMORY = ("memory", LENGTH)
TINY = Shape(vocab_size=300, context_length=32, d_model=32, num_layers=2, num_heads=2, d_ff=64, batch_size=2)


def main() -> None:
    """Measure what the command line asks for and print it."""
    options = parse_command_line()
    torch.set_num_threads(options.threads)
    shape = TINY if options.tiny else Shape()
    print(f"{describe_machine(['torch', 'transformers'])}.\n")
    print(f"Threads: {options.threads}. Repetitions: {options.repetitions}. {shape}\n")
    lines, notes = [], []
    for part in options.only:
        for measured in PARTS[part](shape, options.repetitions) if part != LENGTH else ():
            print(f"{measured.task.name}: done", file=sys.stderr, flush=True)
            lines += rows(measured.task, measured.results)
            notes += measured.notes
    print("\n".join([markdown_table(HEADER, lines), "", *notes]) if lines else "", flush=True)
    if LENGTH in options.only:
        header = ("tokens of one sequence, one block", PLAIN, OURS, SDPA)
        table = tasks.memory_against_length(shape, LENGTHS[:1] if options.tiny else LENGTHS)
        print(f"\n{markdown_table(header, table)}")


def parse_command_line() -> argparse.Namespace:
    """Return the options; memory is left out where it cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.model", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", choices=[*PARTS, LENGTH], nargs="+", default=[*PARTS, LENGTH])
    parser.add_argument("--tiny", action="store_true", help="a tiny model, to see that everything runs")
    options = parser.parse_args()
    if min(options.repetitions, options.threads) < 1:
        parser.error("--repetitions and --threads must be at least 1")
    if not memory_can_be_sampled():
        options.only = [part for part in options.only if part not in NEED_MEMORY]
        print("Note: without memory, whose peak only Linux tells.\n")
    return options


if __name__ == "__main__":
    main()
