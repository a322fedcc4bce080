"""The tasks of `model.py`: what is measured with which libraries, and what is asked of it."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from statistics import median

from tests.benchmarks import model_subjects as subjects
from tests.benchmarks.by_turns import time_by_turns
from tests.benchmarks.ceilings import peak_gflops, read_gigabytes_per_second
from tests.benchmarks.comparison import Results, Subject, Target, Task, measure
from tests.benchmarks.fresh_process import Measurement, measure_in_fresh_process
from tests.benchmarks.model_subjects import OURS, PEER, PLAIN, SDPA, Shape

LONGEST_WITH_ALL_SCORES = 4096  # beyond, the plain form needs more memory than most machines have


@dataclass(frozen=True)
class Measured:
    """One block of the table, and what else there is to say about it."""

    task: Task
    results: Results
    notes: list[str] = field(default_factory=list)


def training(shape: Shape, repetitions: int) -> Iterator[Measured]:
    """Time whole training steps in both precisions."""
    for name, bf16, target in (
        ("training step, fp32", False, Target(1.05, 0.9)),
        ("training step, bf16 autocast", True, Target(1.1, 0.8)),
    ):
        steps = {
            library: subjects.training_step(library, shape, bf16=bf16)
            for library in (OURS, PLAIN, SDPA, PEER)
        }
        results = time_by_turns(steps, repetitions=repetitions)
        yield Measured(timed(name, target), results, [share_of_products(name, shape, results, bf16=bf16)])


def compiled(shape: Shape, repetitions: int) -> Iterator[Measured]:
    """Time training steps with torch.compile on both sides."""
    steps = {library: subjects.training_step(library, shape, compiled=True) for library in (OURS, PEER)}
    results = time_by_turns(steps, repetitions=repetitions)
    yield Measured(timed("training step, fp32, compiled", Target(1.0, 0.9)), results)


def optimizer(shape: Shape, repetitions: int) -> Iterator[Measured]:
    """Time the update alone, against PyTorch's fused one."""
    steps = {library: subjects.optimizer_step(library, shape) for library in (OURS, PEER)}
    results = time_by_turns(steps, repetitions=10 * repetitions)
    yield Measured(timed("AdamW.step", Target(2.0, 1.0)), results)


def generation(shape: Shape, repetitions: int) -> Iterator[Measured]:
    """Time the continuation of one prompt and of sixteen, as far as the context reaches."""
    prompt_tokens = shape.context_length // 16
    longest = shape.context_length - prompt_tokens
    for batch_size, new_tokens, target in (
        (1, longest, Target(0.5, 0.25)),
        (16, longest // 2, Target(0.6, 0.3)),
    ):
        for way, top_p in (("greedy", None), ("top-p 0.9", 0.9)):
            # Without a cache it takes so long that once is enough: for one prompt, greedily.
            libraries = (OURS, PLAIN, PEER) if batch_size == 1 and top_p is None else (OURS, PEER)
            actions = {
                library: subjects.generation(
                    library,
                    shape,
                    batch_size=batch_size,
                    new_tokens=new_tokens,
                    prompt_tokens=prompt_tokens,
                    top_p=top_p,
                )
                for library in libraries
            }
            results = time_by_turns(actions, repetitions=repetitions)
            name = f"generation, batch {batch_size}, {new_tokens} tokens, {way}"
            yield Measured(
                timed(name, target),
                results,
                [tokens_per_second(name, shape, results, batch_size, new_tokens)],
            )


def memory(shape: Shape, repetitions: int) -> Iterator[Measured]:
    """Measure the peak of a training step above the model, in fresh processes."""
    results = memory_of((OURS, PLAIN, SDPA, PEER), shape, repetitions=min(3, repetitions))
    task = Task("training step, fp32: peak memory", "MB", {}, {PEER: Target(1.0, 0.8)})
    yield Measured(task, results)


def imports(shape: Shape, repetitions: int) -> Iterator[Measured]:
    """Time the import of every public name above that of torch."""
    subject = Subject("tests.benchmarks.model_subjects:import_of_every_name", {})
    task = Task("import of every name, above torch", "s", {OURS: subject}, {OURS: Target(0.3, 0.1)})
    yield Measured(task, measure(task, repetitions=repetitions, environment={}, say=lambda line: None))


def memory_against_length(shape: Shape, lengths: tuple[int, ...]) -> list[tuple[str, ...]]:
    """Return rows: a length, and the peak of a training step of one block and one sequence of it."""
    table = []
    for length in lengths:
        long = Shape(**{**asdict(shape), "context_length": length, "num_layers": 1, "batch_size": 1})
        fitting = [library for library in (PLAIN, OURS, SDPA) if fits(library, length)]
        results = memory_of(fitting, long, repetitions=1)
        cells = [
            megabytes(results[library][0]) if library in results else "" for library in (PLAIN, OURS, SDPA)
        ]
        table.append((f"{length:,}", *cells))
    return table


def megabytes(measurement: Measurement) -> str:
    """Write the peak of a measurement."""
    assert measurement.peak_bytes is not None
    return f"{measurement.peak_bytes / 1e6:,.0f} MB"


def fits(library: str, length: int) -> bool:
    """Say whether all scores of a sequence can be held."""
    return library != PLAIN or length <= LONGEST_WITH_ALL_SCORES


def memory_of(libraries: Iterable[str], shape: Shape, *, repetitions: int) -> Results:
    """Run `training_memory` of each library."""
    results: Results = {}
    for library in libraries:
        settings = {"library": library, "sizes": asdict(shape)}
        runs = [
            measure_in_fresh_process("tests.benchmarks.model_subjects:training_memory", settings)
            for _ in range(repetitions)
        ]
        results[library] = [Measurement(run.seconds, run.facts["bytes"], {}) for run in runs]
    return results


def timed(name: str, target: Target) -> Task:
    """Return the task of comparing ours with the peer."""
    return Task(name, "s", {}, {PEER: target})


def share_of_products(name: str, shape: Shape, results: Results, *, bf16: bool) -> str:
    """Say which part of the speed of large matrix products each reaches."""
    ceiling = peak_gflops(bf16=bf16)
    reached = {
        library: shape.step_flops / median(run.seconds for run in runs) / 1e9
        for library, runs in results.items()
    }
    parts = ", ".join(f"{library} {speed:,.0f} ({speed / ceiling:.0%})" for library, speed in reached.items())
    return f"- {name}: large products reach {ceiling:,.0f} GFLOP/s here; of these {parts}."


def tokens_per_second(name: str, shape: Shape, results: Results, batch_size: int, new_tokens: int) -> str:
    """Say how many tokens a second each writes, and how many the reading of the weights would allow."""
    limit = batch_size * read_gigabytes_per_second() * 1e9 / (4 * shape.matrix_weights)
    reached = {
        library: batch_size * new_tokens / median(run.seconds for run in runs)
        for library, runs in results.items()
    }
    parts = ", ".join(f"{library} {speed:,.0f} ({speed / limit:.0%})" for library, speed in reached.items())
    return f"- {name}: reading the weights alone would allow {limit:,.0f} tokens/s; of these {parts}."
