"""One report on all experiments of a folder: a Markdown file with pictures, and one HTML page."""

from pathlib import Path

from cs336_basics.experiments.document.blocks import Block, Bullets, Heading, Paragraph, Picture
from cs336_basics.experiments.document.files import write_document
from cs336_basics.experiments.report.comparison import have_same_data
from cs336_basics.experiments.report.findings import findings
from cs336_basics.experiments.report.pictures import draw_curves, draw_sweep
from cs336_basics.experiments.report.tables import final_table, overview, sample_tables
from cs336_basics.experiments.runs.results_file import RESULTS_FILE, Results, read_results

TITLE = "Experiments"


def write_report(folder: Path, report: Path) -> list[Path]:
    """Write `report` (Markdown), the same as .html, and a folder of pictures; return what was written.

    `folder` holds folders with the results of experiments; without any it is a `FileNotFoundError`.
    """
    all_results = [read_results(path) for path in sorted(folder.glob(f"*/{RESULTS_FILE}"))]
    if not all_results:
        raise FileNotFoundError(
            f"a report needs results but {folder} has none; run an experiment first, or give its --output"
        )
    return write_document(report_blocks(all_results), report, title=TITLE)


def report_blocks(all_results: list[Results]) -> list[Block]:
    """Return the whole document."""
    blocks: list[Block] = [
        Heading(1, TITLE),
        Paragraph(
            "Written by cs336 experiment report from the stored results of the runs. A run counts as "
            "diverged if its loss or gradient was not finite, or if its training loss ended above its "
            "beginning; a variant with a diverged run has no mean. Lower is better everywhere."
        ),
        overview(all_results),
        Heading(2, "Machine and data"),
        Bullets(machines(all_results) + texts(all_results)),
    ]
    for results in all_results:
        blocks += experiment_blocks(results)
    return blocks


def experiment_blocks(results: Results) -> list[Block]:
    """Return the part about an experiment."""
    blocks: list[Block] = [
        Heading(2, results.title),
        Paragraph(f"{results.name}, scale {results.scale}. {results.question}"),
    ]
    sentences = findings(results)
    if sentences:
        blocks.append(Bullets(sentences))
    if not results.runs:
        return blocks
    blocks += [final_table(results), curves(results)]
    sweep = draw_sweep(results)
    if sweep is not None:
        blocks.append(Picture(f"{results.name}-sweep", f"{results.title}: final numbers", sweep))
    return [*blocks, *sample_tables(results)]


def curves(results: Results) -> Picture:
    """Return the picture of all runs."""
    return Picture(f"{results.name}-curves", f"{results.title}: curves", draw_curves(results))


def machines(all_results: list[Results]) -> list[str]:
    """Tell on what the runs were made, a line for each machine."""
    found: dict[str, set[str]] = {}
    for results in all_results:
        for run in results.runs:
            description = ", ".join(f"{name} {value}" for name, value in run.machine.items())
            found.setdefault(description, set()).add(results.name)
    return [f"{description}: {', '.join(sorted(names))}." for description, names in found.items()]


def texts(all_results: list[Results]) -> list[str]:
    """Tell what the runs learned from and were measured on, a line for each set of tokens."""
    found: dict[str, set[str]] = {}
    for results in all_results:
        for run in results.runs:
            description = description_of_data(run.source, run.data)
            found.setdefault(description, set()).add(results.name)
    lines = [f"{description}: {', '.join(sorted(names))}." for description, names in found.items()]
    runs = [run for results in all_results for run in results.runs]
    if runs and not have_same_data(runs):
        lines.append(
            "Losses per token can be compared within one of these sets of tokens only; between them, bits "
            "per byte of the same text can."
        )
    return lines


def description_of_data(source: str, data: dict) -> str:
    """Return the number of tokens with the beginnings of their fingerprints."""
    trained = sum(part["num_tokens"] for part in data["train"])
    prints = [*(part["sha256"] for part in data["train"]), data["validation"]["sha256"], data["tokenizer"]]
    short = ", ".join(fingerprint[:8] for fingerprint in prints if fingerprint is not None)
    return (
        f"{source}, {trained:,} tokens to learn from, {data['validation']['num_tokens']:,} to be measured on "
        f"(SHA-256 of tokens and tokenizer: {short})"
    )
