"""A whole small training run in one process: to step through, or to have a run to look at.

`python -m cs336_basics.debug.tiny_run` trains for some seconds in a temporary folder, from the start each
time; with `--run FOLDER` the run stays there, and one that is already finished is left as it is.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from cs336_basics.quickstart.documentation_corpus import reference_topics
from cs336_basics.tokenization import END_OF_TEXT, Tokenizer, train_bpe
from cs336_basics.training.loop import train
from cs336_basics.training.presets import PRESETS
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.start import prepare_run
from cs336_basics.training.token_data import TokenPaths

JOB = "tiny run"
VOCAB_SIZE = 512

# With the attention that shows its scores and weights, and the same types of numbers on every machine.
STEPPED_THROUGH = replace(
    PRESETS["tiny"],
    model=replace(PRESETS["tiny"].model, attention="reference"),
    training=replace(PRESETS["tiny"].training, device="cpu", precision="fp32"),
)


def main() -> None:
    """Read the folder from the command line and make the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", type=Path, help="folder where everything goes")
    folder = parser.parse_args().run
    if folder is not None:
        make_tiny_run(RunFolder(folder))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            make_tiny_run(RunFolder(Path(temporary)))


def make_tiny_run(run: RunFolder) -> None:
    """Text, tokenizer, token file, training."""
    run.create(job=JOB)
    text, tokens = run.path / "text.txt", run.path / "tokens.npy"
    if not tokens.is_file():
        topics = reference_topics()
        text.write_text("".join(f"{topic}\n{END_OF_TEXT}\n" for topic in topics), "utf-8", newline="\n")
        make_tokens(text, tokens, run.tokenizer)
    config, data = prepare_run(
        STEPPED_THROUGH,
        run,
        job=JOB,
        tokens=TokenPaths(train=(tokens,)),
        tokenizer=run.tokenizer,
    )
    train(config, data, run, progress=True)


def make_tokens(text: Path, tokens: Path, tokenizer_folder: Path) -> None:
    """Train a tokenizer on a text and encode the text with it."""
    vocab, merges = train_bpe(text, VOCAB_SIZE, [END_OF_TEXT], num_workers=1)
    tokenizer = Tokenizer(vocab, merges, [END_OF_TEXT])
    tokenizer.save_to_folder(tokenizer_folder)
    tokenizer.encode_file(text, tokens, num_workers=1)


if __name__ == "__main__":
    main()
