"""The tables of a report."""

import statistics

from cs336_basics.experiments.document.blocks import Table
from cs336_basics.experiments.report.comparison import (
    BITS_PER_BYTE,
    LOSS,
    VariantSummary,
    best_of,
    have_same_data,
    measure_of,
    summaries_of,
)
from cs336_basics.experiments.report.findings import number
from cs336_basics.experiments.runs.result import RunResult
from cs336_basics.experiments.runs.results_file import Results


def overview(all_results: list[Results]) -> Table:
    """Return a line for each experiment."""
    header = ["experiment", "scale", "text", "runs", "diverged", "best variant", "its mean", "unit"]
    return Table(header, [overview_row(results) for results in all_results])


def overview_row(results: Results) -> list[str]:
    """Return the line of an experiment."""
    runs = f"{len(results.runs)} of {len(results.planned)}"
    if not results.runs:
        return [results.name, results.scale, "", runs, "", "", "", ""]
    best = best_of(summaries_of(results))
    diverged = sum(run.diverged is not None for run in results.runs)
    return [
        results.name,
        results.scale,
        results.runs[0].source,
        runs,
        str(diverged),
        "none" if best is None else best.name,
        number(None if best is None else best.mean),
        f"{measure_of(results).name}, {measure_of(results).unit}",
    ]


def final_table(results: Results) -> Table:
    """Return the final numbers of each variant: mean over seeds and range."""
    header = [
        "variant",
        "seeds",
        "validation loss",
        "from",
        "to",
        "bits per byte",
        "training loss",
        "seconds",
    ]
    losses = summaries_of(results, LOSS)
    in_bits = summaries_of(results, BITS_PER_BYTE)
    rows = [final_row(loss, bits) for loss, bits in zip(losses, in_bits, strict=True)]
    if not have_same_data(results.runs):  # numbers that cannot be compared are not put side by side
        shown = [column not in ("validation loss", "from", "to", "training loss") for column in header]
        header, *rows = (
            [cell for cell, show in zip(row, shown, strict=True) if show] for row in [header, *rows]
        )
    return Table(header, rows)


def final_row(loss: VariantSummary, bits: VariantSummary) -> list[str]:
    """Return the line of a variant."""
    if loss.num_diverged:
        middle = [f"diverged in {loss.num_diverged} of {len(loss.runs)}", "", ""]
    else:
        middle = [number(loss.mean), number(min(loss.values)), number(max(loss.values))]
    training = [run.training_loss for run in loss.runs if run.training_loss is not None]
    return [
        loss.name,
        ", ".join(str(run.seed) for run in loss.runs),
        *middle,
        number(bits.mean),
        number(statistics.fmean(training)) if training else "none",
        f"{statistics.fmean(run.seconds for run in loss.runs):.1f}",
    ]


def sample_tables(results: Results) -> list[Table]:
    """Return for each prompt what the models wrote side by side, of each variant the first run that wrote."""
    writers = {summary.name: writer for summary in summaries_of(results) if (writer := first_writer(summary))}
    samples = [sample for run in writers.values() for sample in run.samples]
    tables = []
    for prompt in dict.fromkeys(sample["prompt"] for sample in samples):
        rows = [
            [f"{sample['temperature']:g}", f"{sample['top_p']:g}", *texts_at(sample, writers.values())]
            for sample in next(iter(writers.values())).samples
            if sample["prompt"] == prompt
        ]
        header = [f"temperature (prompt: {prompt!r})", "top-p", *writers]
        tables.append(Table(header, rows))
    return tables


def first_writer(summary: VariantSummary) -> RunResult | None:
    """Return the first run of a variant that has written something."""
    return next((run for run in summary.runs if run.samples), None)


def texts_at(point: dict, runs: object) -> list[str]:
    """Return what each run wrote for the prompt and the settings of `point`."""
    return [
        sample["text"]
        for run in runs  # pyright: ignore[reportGeneralTypeIssues]
        for sample in run.samples
        if all(sample[name] == point[name] for name in ("prompt", "temperature", "top_p"))
    ]
