"""The folder of a run whose model writes the same few characters again and again, without end."""

from itertools import pairwise
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

CYCLE = "aé日"  # no byte occurs twice, so each decides the next; behind any other comes the first
MODEL = ModelConfig(vocab_size=256, context_length=16, d_model=256, num_layers=1, num_heads=2, d_ff=8)


def write_cycling_run(folder: Path) -> None:
    """Its tokens are the 256 bytes, and no special token ends the text."""
    run, config = RunFolder(folder), RunConfig(model=MODEL, training=TrainingConfig(steps=1))
    run.create(job="train")
    content = config.to_dict()
    write_json(run.config, {"job": "train", **content})
    Tokenizer(dict(enumerate(BYTE_TOKENS)), []).save_to_folder(run.tokenizer)
    model = cycling_model()
    optimizer = SGD(model.parameters(), lr=1.0)
    save_run_checkpoint(
        run.checkpoints,
        take_snapshot(model, optimizer),
        step=1,
        progress={"config": content},
        random_states={},
    )


def cycling_model() -> TransformerLM:
    """A block that adds nothing, an embedding that names the token, and a head that knows its successor."""
    model = TransformerLM.from_config(MODEL)
    data = CYCLE.encode()
    successor = dict.fromkeys(range(256), data[0]) | dict(pairwise(data))
    with torch.no_grad():
        model.get_parameter("layers.0.attn.output_proj.weight").zero_()
        model.get_parameter("layers.0.ffn.w2.weight").zero_()
        model.token_embeddings.weight.copy_(torch.eye(256))
        model.lm_head.weight.zero_()
        for byte, following in successor.items():
            model.lm_head.weight[following, byte] = 1.0
    return model
