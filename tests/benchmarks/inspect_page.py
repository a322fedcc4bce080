"""Measure how long a page of `cs336 inspect` takes to open: `python -m tests.benchmarks.inspect_page`.

The page has 256 tokens in 4 layers of 16 heads. The browser runs already; the time goes from the address to
the moment when a screen of it has been painted. The table goes to the standard output.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from playwright.sync_api import Browser

from cs336_basics.inspection.forward_record import record_forward_pass
from cs336_basics.inspection.page import write_page
from cs336_basics.inspection.page_data import page_data
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from tests.benchmarks.comparison import HEADER, Subject, Target, Task, rows
from tests.benchmarks.fresh_process import Measurement
from tests.benchmarks.machine import describe_machine
from tests.benchmarks.table import markdown_table
from tests.browser import open_chromium

TOKENS = 256
MODEL = ModelConfig(vocab_size=256, context_length=TOKENS, d_model=512, num_layers=4, num_heads=16)
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
UNDRAWN = ".thumbnail:not([data-drawn])"


def main() -> None:
    """Write the page, open it again and again, and print the times."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.inspect_page", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_chromium() as browser:
        page = Path(folder) / "inspect.html"
        write_synthetic_page(page)
        opened, drawn = zip(*(open_page(browser, page) for _ in range(options.repetitions)), strict=True)
        size = page.stat().st_size / 1e6
        print(f"{describe_machine(['playwright'])}, Chromium {browser.version}. {TOKENS} tokens, {MODEL}\n")
    subjects = {"cs336_basics": Subject("", {})}
    lines = [
        *rows(Task("open", "s", subjects, {"cs336_basics": Target(aim=2)}), measured(opened)),
        *rows(Task("open, then draw all maps", "s", subjects), measured(drawn)),
    ]
    print(f"{markdown_table(HEADER, lines)}\n\nThe page takes {size:.1f} MB.")


def write_synthetic_page(path: Path) -> None:
    """Write the page about random bytes, from a model of random weights that attends unevenly."""
    torch.manual_seed(0)
    model = TransformerLM.from_config(MODEL)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)
    ids = torch.randint(33, 127, (TOKENS,))
    tokenizer = Tokenizer(dict(enumerate(BYTE_TOKENS)), [])
    write_page(path, page_data(record_forward_pass(model, ids), ids.tolist(), tokenizer, source="random"))


def open_page(browser: Browser, path: Path) -> tuple[float, float]:
    """Return the seconds until the page has been painted, and until all of its maps are drawn."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        start = time.perf_counter()
        page.goto(path.as_uri())
        page.evaluate(PAINTED)
        opened = time.perf_counter() - start
        page.locator("#overview").scroll_into_view_if_needed()
        page.locator(UNDRAWN).first.wait_for(state="detached")
        drawn = time.perf_counter() - start
    return opened, drawn


def measured(seconds: tuple[float, ...]) -> dict[str, list[Measurement]]:
    """Return times as the results of the only library."""
    return {"cs336_basics": [Measurement(each, None, {}) for each in seconds]}


if __name__ == "__main__":
    main()
