"""From a folder and a text to a page: open, encode, run, write."""

from pathlib import Path

import torch

from cs336_basics.generation.text import prompt_ids
from cs336_basics.inspection.forward_record import record_forward_pass
from cs336_basics.inspection.opening import OpenedModel, open_model
from cs336_basics.inspection.page import write_page
from cs336_basics.inspection.page_data import check_size, page_data
from cs336_basics.training.config import Device

PAGE = "inspect.html"


def inspect_text(folder: Path, text: str, output: Path | None = None, *, device: Device = "auto") -> Path:
    """Write the page about what the model in `folder` makes of `text`, and return its path.

    By default it goes into the folder of a run, and for a model that others have made into the current one.
    An empty text is the beginning of a document. A text longer than the context length is a `ValueError`.
    """
    opened = open_model(folder, device=device)
    ids = prompt_ids(opened.tokenizer, text)
    check_length(opened, ids)
    output = opened.notes / PAGE if output is None else output
    model_device = next(opened.model.parameters()).device
    record = record_forward_pass(opened.model, torch.tensor(ids, device=model_device))
    write_page(output, page_data(record, ids, opened.tokenizer, source=opened.name))
    return output


def check_length(opened: OpenedModel, ids: list[int]) -> None:
    """Raise `ValueError` for a text that the model cannot read at once or the page cannot hold."""
    config = opened.model.config
    if len(ids) > config.context_length:
        raise ValueError(
            f"a text to inspect may have at most context_length = {config.context_length:,} tokens but this "
            f"has {len(ids):,}; give a shorter one"
        )
    check_size(num_layers=config.num_layers, num_heads=config.num_heads, seq=len(ids))
