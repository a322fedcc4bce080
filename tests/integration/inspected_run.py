"""The folder of a run whose tokenizer knows markup, to be looked at as a page."""

from dataclasses import dataclass
from pathlib import Path

import torch

from cs336_basics.checkpoint.run_checkpoint import save_run_checkpoint
from cs336_basics.checkpoint.snapshot import take_snapshot
from cs336_basics.files.json_file import write_json
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.sgd import SGD
from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.training.config import RunConfig, TrainingConfig
from cs336_basics.training.run_folder import RunFolder

MARKUP = ["</script><script>harmed = 1</script>", "<img src=x onerror='harmed = 2'>", "<|endoftext|>"]
MODEL = ModelConfig(
    vocab_size=256 + len(MARKUP),
    context_length=64,
    d_model=24,
    num_layers=2,
    num_heads=3,
    d_ff=32,
    attention="chunked",
)


@dataclass(frozen=True)
class InspectedRun:
    """What lies in the folder."""

    folder: Path
    model: TransformerLM
    tokenizer: Tokenizer


def write_inspected_run(folder: Path, config: ModelConfig = MODEL) -> InspectedRun:
    """A model of random weights, large enough for its attention and its guesses to be far from even."""
    run = RunFolder(folder)
    run.create(job="train")
    content = RunConfig(model=config, training=TrainingConfig(steps=7)).to_dict()
    write_json(run.config, {"job": "train", **content})
    tokenizer = Tokenizer(dict(enumerate(BYTE_TOKENS)), [], MARKUP)
    tokenizer.save_to_folder(run.tokenizer)
    torch.manual_seed(11)
    model = TransformerLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)
    optimizer = SGD(model.parameters(), lr=1.0)
    snapshot = take_snapshot(model, optimizer)
    save_run_checkpoint(run.checkpoints, snapshot, step=7, progress={"config": content}, random_states={})
    return InspectedRun(folder, model, tokenizer)
