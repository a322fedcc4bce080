"""Draw batches of windows from one long array of token ids, at random places."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor


def get_batch(
    dataset: np.ndarray,
    batch_size: int,
    context_length: int,
    device: torch.device | str,
    *,
    generator: torch.Generator | None = None,
) -> tuple[Int64[Tensor, "batch seq"], Int64[Tensor, "batch seq"]]:
    """Return inputs and targets: `batch_size` windows, and the same shifted by one token.

    A row of the inputs is `dataset[s : s + context_length]`, with a start s of its own, and that of the
    targets `dataset[s + 1 : s + context_length + 1]`.

    Each place where a whole window and its last target fit is equally likely; places are drawn with
    replacement by `generator` (a CPU generator; torch's own where none is given). Only the windows drawn
    are read from a memory map.

    Shapes: -> (batch seq) and (batch seq)
    """
    check_dataset(dataset, batch_size, context_length)
    num_starts = len(dataset) - context_length
    starts = torch.randint(num_starts, (batch_size,), generator=generator).tolist()
    windows = np.stack([window_at(dataset, start, context_length) for start in starts])
    return inputs_and_targets(windows, device)


def window_at(dataset: np.ndarray, start: int, context_length: int) -> np.ndarray:
    """Return the `context_length` inputs that begin at `start`, and one more token, the last target."""
    return dataset[start : start + context_length + 1]


def inputs_and_targets(
    windows: np.ndarray, device: torch.device | str
) -> tuple[Int64[Tensor, "batch seq"], Int64[Tensor, "batch seq"]]:
    """Return windows, (batch, seq + 1), as ids on `device`: all but the last token, and all but the first."""
    ids = to_device(torch.from_numpy(windows.astype(np.int64)), device)
    inputs = ids[:, :-1].contiguous()
    targets = ids[:, 1:].contiguous()
    return inputs, targets


def to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Move `tensor`; a device that is not there is a `RuntimeError` that names it, never a fall-back."""
    try:
        return tensor.to(device)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, AssertionError) as error:
        kind = str(device).partition(":")[0].upper()
        reason = str(error).partition("\n")[0]
        raise RuntimeError(
            f"{kind} error: the device must exist on this machine but {str(device)!r} does not ({reason}); "
            "take 'cpu', or see torch.cuda.device_count() and torch.backends.mps.is_available()"
        ) from error


def check_dataset(dataset: np.ndarray, batch_size: int, context_length: int) -> None:
    """Raise `ValueError` unless windows of `context_length` tokens can be drawn from `dataset`."""
    check_token_array(dataset)
    check_batch_shape(batch_size, context_length)
    if len(dataset) <= context_length:
        raise ValueError(
            f"a dataset needs more tokens than the context, at least {context_length + 1} here, but has "
            f"{len(dataset)}; take more text or a shorter context"
        )


def check_token_array(dataset: np.ndarray) -> None:
    """Raise `ValueError` unless `dataset` can be token ids, one after another."""
    if dataset.ndim != 1 or dataset.dtype.kind not in "ui":
        raise ValueError(
            f"a dataset must be one axis of integers but is {dataset.dtype} of shape {dataset.shape}; "
            "open a token file with open_token_file"
        )


def check_batch_shape(batch_size: int, context_length: int) -> None:
    """Raise `ValueError` unless a batch holds a token at least."""
    if batch_size < 1 or context_length < 1:
        raise ValueError(
            f"batch_size and context_length must be at least 1 but are {batch_size} and {context_length}"
        )
