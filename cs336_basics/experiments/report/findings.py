"""What the results of an experiment say, in sentences that claim no more than that."""

from cs336_basics.experiments.report.comparison import (
    BITS_PER_BYTE,
    VariantSummary,
    best_of,
    have_same_data,
    measure_of,
    summaries_of,
)
from cs336_basics.experiments.runs.results_file import Results
from cs336_basics.experiments.runs.text import DOCUMENTATION
from cs336_basics.training.hold import is_in_use
from cs336_basics.training.run_folder import RunFolder


def findings(results: Results) -> list[str]:
    """Return the sentences, the caveats first."""
    if not results.runs:
        return missing_runs(results)
    summaries = summaries_of(results)
    compared = [] if len(summaries) == 1 else [*sweep_findings(results), *costs(results, summaries)]
    return [
        *missing_runs(results),
        *text_caveat(results),
        *data_caveat(results),
        *divergences(summaries),
        *compared,
        *learned_by_heart(results, summaries),
    ]


def missing_runs(results: Results) -> list[str]:
    """Name the runs without a result, and those of them that a process is at work on."""
    if not results.missing:
        return []
    at_work = [name for name in results.missing if is_in_use(RunFolder(results.folder / name))]
    still = f"; at work now: {', '.join(at_work)}" if at_work else ""
    return [
        f"{len(results.missing)} of {len(results.planned)} runs have no result yet and are not counted: "
        f"{', '.join(results.missing)}{still}."
    ]


def text_caveat(results: Results) -> list[str]:
    """Tell which text a recipe is made for, and on which it ran."""
    source = results.runs[0].source
    if results.made_for is None:
        return []
    if source != DOCUMENTATION:
        return [f"The recipe is made for {results.made_for} and ran on {source}."]
    return [
        f"The recipe is made for {results.made_for} but ran on {source}: its losses say nothing about "
        f"{results.made_for}."
    ]


def data_caveat(results: Results) -> list[str]:
    """Refuse to compare losses of different tokens."""
    if have_same_data(results.runs) or measure_of(results) is not BITS_PER_BYTE:
        return []
    return [
        "The runs have different tokens or tokenizers, so their losses per token cannot be compared; bits "
        "per byte of text can, and are compared here."
    ]


def divergences(summaries: list[VariantSummary]) -> list[str]:
    """Name the variants that diverged, and why."""
    sentences = []
    for summary in summaries:
        reasons = sorted({run.diverged for run in summary.runs if run.diverged is not None})
        if reasons:
            sentences.append(
                f"{summary.name} diverged in {summary.num_diverged} of {len(summary.runs)} runs: "
                f"{'; '.join(reasons)}."
            )
    return sentences


def axes(summaries: list[VariantSummary]) -> list[str]:
    """Return the fields that name a sweep's variants: "batch_size=8_learning_rate=0.001" has two.

    The last one must be a number; variants that are no sweep have none.
    """
    first = summaries[0]
    named = [dotted for dotted in first.changes if f"{dotted.rpartition('.')[2]}=" in first.name]
    for summary in summaries:
        are_in_name = all(f"{dotted.rpartition('.')[2]}=" in summary.name for dotted in named)
        if not named or not are_in_name or type(summary.changes.get(named[-1])) not in (int, float):
            return []
    return named


def sweep_findings(results: Results) -> list[str]:
    """Tell the best value of a sweep; with two fields, the best of the second one for each of the first."""
    summaries = summaries_of(results)
    fields = axes(summaries)
    if len(fields) == 1:
        return best_value(summaries, fields[0])
    if len(fields) != 2:
        return []
    sentences = []
    for value in dict.fromkeys(summary.changes[fields[0]] for summary in summaries):
        row = [summary for summary in summaries if summary.changes[fields[0]] == value]
        sentences += [f"At {fields[0]} = {value}: {sentence}" for sentence in best_value(row, fields[1])]
    return sentences


def best_value(summaries: list[VariantSummary], field: str) -> list[str]:
    """Tell which value of a field is best, and where above it divergence begins."""
    best = best_of(summaries)
    if best is None:
        return ["No value ran without divergence in each of its runs."]
    values = sorted(summary.changes[field] for summary in summaries)
    value = best.changes[field]
    edge = (
        " It is at the edge of those tried." if len(values) > 1 and value in (values[0], values[-1]) else ""
    )
    sentences = [
        f"The lowest mean {best.measure.name} is {number(best.mean)} at {field} = {value:g}"
        f"{spread_in_words(best)}.{edge}"
    ]
    above = sorted(s.changes[field] for s in summaries if s.num_diverged and s.changes[field] > value)
    if above:
        sentences.append(
            f"The first diverging value above it is {above[0]:g}, {times(above[0] / value)} times the best."
        )
    return sentences


def times(ratio: float) -> str:
    """Return a ratio with three digits, and no exponent."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def costs(results: Results, summaries: list[VariantSummary]) -> list[str]:
    """Tell how much worse or better than the baseline each variant is."""
    baseline = next((summary for summary in summaries if summary.name == results.baseline), None)
    if baseline is None or baseline.mean is None:
        return []
    sentences = [
        f"The baseline {baseline.name} has a mean {baseline.measure.name} of {number(baseline.mean)}"
        f"{spread_in_words(baseline)}."
    ]
    for summary in summaries:
        if summary is not baseline and summary.mean is not None:
            sentences.append(cost(summary, baseline))
    return sentences


def cost(summary: VariantSummary, baseline: VariantSummary) -> str:
    """Tell one difference, and whether the seeds leave it in doubt."""
    assert summary.mean is not None
    assert baseline.mean is not None
    difference = summary.mean - baseline.mean
    direction = "above" if difference > 0 else "below"
    sentence = (
        f"{summary.name}: {number(summary.mean)}, that is {number(abs(difference))} {summary.measure.unit} "
        f"{direction} the baseline"
    )
    if min(len(summary.values), len(baseline.values)) < 2:
        return f"{sentence} (one run each, so the spread is not known)."
    overlap = min(summary.values) <= max(baseline.values) and min(baseline.values) <= max(summary.values)
    return f"{sentence}; the ranges of their seeds {'overlap' if overlap else 'do not overlap'}."


def learned_by_heart(results: Results, summaries: list[VariantSummary]) -> list[str]:
    """Tell from where to where the training loss fell, where that is the question."""
    if results.train_tokens is None:
        return []
    return [
        f"{summary.name}, seed {run.seed}: on {results.train_tokens} tokens the training loss went from "
        f"{number(run.first_loss)} to {number(run.training_loss)} in {run.steps} steps."
        for summary in summaries
        for run in summary.runs
    ]


def spread_in_words(summary: VariantSummary) -> str:
    """Return the range over seeds, or that there is but one."""
    if len(summary.values) < 2:
        return " (one seed)"
    low, high = min(summary.values), max(summary.values)
    return f" ({number(low)} to {number(high)} over {len(summary.values)} seeds)"


def number(value: float | None) -> str:
    """Return a measure with four digits after the point."""
    return "none" if value is None else f"{value:.4f}"
