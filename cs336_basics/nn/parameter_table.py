"""How many parameters each part of a model has, as the table that `print(model)` ends with."""

from torch import nn


def parameter_table(model: nn.Module) -> str:
    """Return a line for each part, then the total, which is `sum(p.numel() for p in model.parameters())`.

    Equal parts of all blocks are one line, `layers.*.attn`. A weight that two parts share is counted where it
    comes first, so a tied head, which has none of its own, has no line.
    """
    counts = parameters_by_part(model)
    total = sum(counts.values())
    rows = [(name, f"{number:,}", f"{number / total:.1%}") for name, number in counts.items() if number > 0]
    rows.append(("total", f"{total:,}", ""))
    names, numbers, shares = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [f"  {name:<{names}}  {number:>{numbers}}  {share:>{shares}}" for name, number, share in rows]
    return "\n".join(["parameters:", *(line.rstrip() for line in lines)])


def parameters_by_part(model: nn.Module) -> dict[str, int]:
    """Return the number of parameters of each part, those of all blocks together."""
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():  # each parameter once
        counts[part_of(name)] = counts.get(part_of(name), 0) + parameter.numel()
    return counts


def part_of(parameter_name: str) -> str:
    """Return the part that a parameter belongs to: `layers.3.attn.q_proj.weight` gives `layers.*.attn`."""
    names = parameter_name.split(".")
    return f"layers.*.{names[2]}" if names[0] == "layers" else names[0]
