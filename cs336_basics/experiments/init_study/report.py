"""The report of a study: the rules against their formulas, then tables and pictures of the signals."""

import math
from pathlib import Path

import torch

from cs336_basics.experiments.document.blocks import Block, Bullets, Heading, Paragraph, Picture, Table
from cs336_basics.experiments.document.files import write_document
from cs336_basics.experiments.init_study.case_result import CaseResult
from cs336_basics.experiments.init_study.pictures import NORM_NAMES, draw_signals
from cs336_basics.experiments.init_study.signals import Signals
from cs336_basics.experiments.init_study.study_file import Study
from cs336_basics.experiments.init_study.weight_moments import Moments, formula_moments, found_moments

TITLE = "What the initialisation does"
CHECKED_SHAPE = (1344, 512)  # (fan_out, fan_in): the feed-forward network of the course's model
SEED = 0
STEADY_FACTOR = 10


def write_study_report(study: Study, path: Path) -> list[Path]:
    """Write the report as Markdown with pictures and as one HTML page; return what was written."""
    return write_document(study_blocks(study), path, title=TITLE)


def study_blocks(study: Study) -> list[Block]:
    """Return the whole document."""
    blocks: list[Block] = [Heading(1, TITLE), Paragraph(introduction(study)), *formula_blocks(study)]
    for moment, heading in (("before", "Before any training"), ("after", "After training")):
        picture = draw_signals(study, moment)
        blocks += [Heading(2, heading), Picture(f"signals-{moment}", f"Signals: {heading.lower()}", picture)]
    by_model: dict[tuple[str, int], list[CaseResult]] = {}
    for result in study.results:
        by_model.setdefault((result.case.norm, result.case.depth), []).append(result)
    for (norm, depth), results in by_model.items():
        blocks += [Heading(2, f"{NORM_NAMES[norm].capitalize()}, {depth} blocks")]
        blocks += [Bullets(findings(results)), signal_table(results)]
    return blocks


def introduction(study: Study) -> str:
    """Tell what was measured, on what."""
    of = study.settings
    machine = ", ".join(f"{name} {value}" for name, value in study.machine.items())
    return (
        "Written by cs336 init-study from its stored results. The models have "
        f"{of['d_model']} features and read windows of {of['context_length']} bytes of {study.text['label']} "
        f"({study.text['bytes']:,} bytes, SHA-256 {study.text['sha256'][:8]}), {of['batch_size']} at once. "
        "Measured is the standard deviation of the residual stream after the embedding (0) and after each "
        "block, and that of the gradient of the mean loss with respect to it, on one batch before any "
        f"training and on the same one after {of['steps']} steps of AdamW at the rate "
        f"{of['learning_rate']:g}. One seed ({of['seed']}). Where a number is not finite, or training broke "
        "down, that is said instead. "
        f"Machine: {machine}."
    )


def formula_blocks(study: Study) -> list[Block]:
    """Hold a matrix of each rule against its formula."""
    fan_out, fan_in = CHECKED_SHAPE
    generator = torch.Generator().manual_seed(SEED)
    rows = []
    for rule in study.settings["rules"]:
        found = found_moments(rule, fan_out, fan_in, generator=generator)
        rows.append(formula_row(rule, found, formula_moments(rule, fan_out, fan_in)))
    header = ["rule", "mean", "by formula", "variance", "by formula", "range", "by formula", "agrees"]
    text = (
        f"A matrix of {fan_out} x {fan_in} of each rule, and what its formula says: the mean to 5 standard "
        "errors, the variance (after cutting, where a rule cuts) to 3%, no entry outside the range."
    )
    return [Heading(2, "The rules and their formulas"), Paragraph(text), Table(header, rows)]


def formula_row(rule: str, found: Moments, formula: Moments) -> list[str]:
    """Return a line of the table of formulas."""
    fan_out, fan_in = CHECKED_SHAPE
    cells = [rule, f"{found.mean:.3g}", f"{formula.mean:.3g}"]
    cells += [f"{found.variance:.4g}", f"{formula.variance:.4g}"]
    bounded = math.isfinite(formula.highest)
    allowed = f"{formula.lowest:.4g} to {formula.highest:.4g}" if bounded else "unbounded"
    cells += [f"{found.lowest:.4g} to {found.highest:.4g}", allowed]
    return [*cells, "yes" if found.agrees_with(formula, fan_out * fan_in) else "NO"]


def findings(results: list[CaseResult]) -> list[str]:
    """Tell under which rules signals keep their size, which broke down, and which learned most."""
    keeping = [result.case.rule for result in results if keeps_signals(result.before)]
    sentences = [
        f"Before training, activations and gradients after the first and the last block differ by less than "
        f"a factor of {STEADY_FACTOR} under: {', '.join(keeping) or 'none'}."
    ]
    broken = [f"{r.case.rule} (step {r.broke_down_at})" for r in results if r.broke_down_at is not None]
    if broken:
        sentences.append(f"Training broke down under: {', '.join(broken)}.")
    losses = [
        (r.after.loss, r.case.rule) for r in results if r.after is not None and r.after.loss is not None
    ]
    if losses:
        ranking = ", ".join(f"{rule} {loss_text(loss)}" for loss, rule in sorted(losses))
        sentences.append(f"Loss after training, the lowest first: {ranking}.")
    return sentences


def keeps_signals(signals: Signals) -> bool:
    """Say whether both signals are of a similar size after the first block and after the last."""
    return all(
        first and last and 1 / STEADY_FACTOR < last / first < STEADY_FACTOR
        for first, last in (ends(signals.activations), ends(signals.gradients))
    )


def ends(values: list[float | None]) -> tuple[float | None, float | None]:
    """Return the values after the first block and after the last."""
    return values[1], values[-1]


def signal_table(results: list[CaseResult]) -> Table:
    """Return the numbers after the first and the last block, before and after."""
    signals = ["activations first", "last", "gradients first", "last", "loss"]
    header = ["rule", *signals, *(f"after: {name}" for name in signals)]
    return Table(header, [[result.case.rule, *signal_row(result)] for result in results])


def signal_row(result: CaseResult) -> list[str]:
    """Return the numbers of one model."""
    cells = []
    for signals in (result.before, result.after):
        if signals is None:
            cells += [f"broke down at step {result.broke_down_at}", *[""] * 4]
        else:
            values = [*ends(signals.activations), *ends(signals.gradients)]
            cells += ["not finite" if value is None else f"{value:.2e}" for value in values]
            cells.append("not finite" if signals.loss is None else loss_text(signals.loss))
    return cells


def loss_text(loss: float) -> str:
    """Return a loss with three digits after the point, and one that has grown beyond all bounds in short."""
    return f"{loss:.3f}" if loss < 1000 else f"{loss:.2e}"
