"""How many parameters a model has, part by part."""

import math

from cs336_basics.accounting.parts.build import build_parts, folded
from cs336_basics.nn.config import ModelConfig


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter, by the name that `named_parameters` has for it."""
    return {
        f"{name}.{weight}": shape
        for name, part in build_parts(config).items()
        for weight, shape in part.weights().items()
    }


def parameters_by_part(config: ModelConfig) -> dict[str, int]:
    """Return the number of parameters of each part; all layers are one entry, `layers.*.attn`."""
    counts: dict[str, int] = {}
    for name, part in build_parts(config).items():
        number = sum(math.prod(shape) for shape in part.weights().values())
        counts[folded(name)] = counts.get(folded(name), 0) + number
    return {name: number for name, number in counts.items() if number > 0}


def count_parameters(config: ModelConfig) -> int:
    """Return the number of parameters of the whole model."""
    return sum(parameters_by_part(config).values())
