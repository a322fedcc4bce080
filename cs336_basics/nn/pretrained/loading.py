"""Put the weights of a Hugging Face folder into a model, each under its name, in its shape and its order.

Names and shapes are compared before any memory is asked for.
"""

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.pretrained.rope_pairing import halves_to_neighbours
from cs336_basics.nn.pretrained.weight_files import StoredWeight, find_weights, read_weights
from cs336_basics.nn.pretrained.weight_names import HEAD, llama_name, rotated_heads, weight_names
from cs336_basics.nn.rope import RotaryPositions

STORED_TYPES = ("F64", "F32", "BF16", "F16")
STORED_FREQUENCIES = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")  # until 2023
FREQUENCY_TOLERANCE = 0.01  # they may be stored in 16 bits


def weights_for(config: ModelConfig, folder: Path) -> dict[str, StoredWeight]:
    """Find the weights in `folder`; a `ValueError` names one that is missing or that has no place."""
    stored, expected = find_weights(folder), set()
    for name in weight_names(config):
        if llama_name(name) not in stored:
            raise ValueError(
                f"{folder} must hold every weight of the model but lacks {llama_name(name)} ({name}); "
                "download it again"
            )
        expected.add(llama_name(name))
    for name, weight in stored.items():
        if name not in expected and name != HEAD and not STORED_FREQUENCIES.fullmatch(name):
            raise ValueError(
                f"the model has no weight {name} but {weight.file} holds one; take the config.json it is for"
            )
    return stored


@torch.no_grad()
def fill(
    model: nn.Module, config: ModelConfig, stored: dict[str, StoredWeight], *, device: torch.device | str
) -> None:
    """Bring `model`, which was built from `config` on the meta device, to `device` with the stored weights.

    A `ValueError` names a weight of another shape or type.
    """
    own_names = {llama_name(name): name for name in weight_names(config)}
    for stored_name, name in own_names.items():
        check_weight(stored_name, stored[stored_name], model.get_parameter(name))
    model.to_empty(device=device)
    others: dict[str, Tensor] = {}
    for stored_name, numbers in read_weights(stored):
        if stored_name in own_names:
            name = own_names[stored_name]
            model.get_parameter(name).copy_(in_our_order(name, numbers, config))
        else:
            others[stored_name] = numbers
    for stored_name, numbers in others.items():
        check_repetition(stored_name, numbers, model, stored[stored_name].file)


def in_our_order(name: str, numbers: Tensor, config: ModelConfig) -> Tensor:
    """Return a stored weight with its rows in the order of ours."""
    num_heads = rotated_heads(name, config)
    return numbers if num_heads is None else halves_to_neighbours(numbers, num_heads)


def check_weight(name: str, stored: StoredWeight, weight: Tensor) -> None:
    """Raise `ValueError` unless the shape is that of our weight and the numbers are stored as they are."""
    if stored.shape != tuple(weight.shape):
        raise ValueError(
            f"weight {name} must have the shape {tuple(weight.shape)} but {stored.file} holds "
            f"{stored.shape}; the config.json beside it is of another model"
        )
    if stored.dtype not in STORED_TYPES:
        raise ValueError(
            f"weight {name} must be stored as one of {', '.join(STORED_TYPES)} but {stored.file} holds "
            f"{stored.dtype}; take a model that is not quantized"
        )


def check_repetition(name: str, numbers: Tensor, model: nn.Module, file: Path) -> None:
    """Raise `ValueError` unless a tied head, or frequencies, repeat what the model has already."""
    if name == HEAD:
        expected, tolerance = model.get_parameter("token_embeddings.weight"), 0.0
    else:
        positions = model.get_submodule("positions")
        assert isinstance(positions, RotaryPositions), "Llamas have positions"
        expected, tolerance = positions.frequencies("cpu"), FREQUENCY_TOLERANCE
    is_equal = numbers.shape == expected.shape and torch.allclose(
        numbers.to(expected), expected, rtol=tolerance, atol=0
    )
    if not is_equal:
        raise ValueError(
            f"{name} in {file} must repeat what follows from config.json and other weights but does not; "
            "take the config.json it is for"
        )
