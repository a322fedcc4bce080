"""The variants that a file describes: every combination of some values, rows of others, and single ones."""

from itertools import product
from typing import Any

from cs336_basics.experiments.description.experiment import Variant
from cs336_basics.experiments.description.toml_values import flattened, setting


def variants_of(vary: dict[str, Any], together: dict[str, Any], single: list[Any]) -> tuple[Variant, ...]:
    """Return all combinations of the lists in `vary` and the rows of the lists in `together`, then `single`.

    The lists of `together` are of one length: the first values belong together, then the second ones. A
    combination is named after its values, a row after that of its first list.

    Example: vary {"optimizer.learning_rate": [1, 2]} -> learning_rate=1, learning_rate=2
    """
    lists, rows = lists_of(vary, "vary"), lists_of(together, "together")
    combinations = [
        {**row, **dict(zip(lists, values, strict=True))}
        for row in rows_of(rows)
        for values in product(*lists.values())
    ]
    named = [*list(rows)[:1], *lists]
    if not named:
        combinations = []
    variants = [Variant(name=combination_name(changes, named), changes=changes) for changes in combinations]
    variants += [single_variant(table) for table in single]
    return tuple(variants) or (Variant(name="base"),)


def lists_of(table: dict[str, Any], key: str) -> dict[str, list[Any]]:
    """Return the lists of a table by their dotted fields, each value checked."""
    lists = flattened(table)
    for dotted, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{key}.{dotted} must be a list of values but is {values!r}; write one")
    return {dotted: [setting(dotted, value) for value in values] for dotted, values in lists.items()}


def rows_of(lists: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return what belongs together; without lists, one empty row."""
    lengths = {dotted: len(values) for dotted, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the lists of together must be of one length but are {lengths}; make them so")
    if not lists:
        return [{}]
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def combination_name(changes: dict[str, Any], named: list[str]) -> str:
    """Return for example "batch_size=8_learning_rate=0.001"."""
    return "_".join(f"{dotted.rpartition('.')[2]}={plain(changes[dotted])}" for dotted in named)


def plain(value: Any) -> str:
    """Return a value as a name has it, which holds no plus sign."""
    return f"{value:g}".replace("+", "") if isinstance(value, float) else str(value).lower()


def single_variant(table: Any) -> Variant:
    """Return what a `[[variant]]` table describes."""
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        raise ValueError(f"a variant needs a name but one is {table!r}; write name = ...")
    changes = flattened({key: value for key, value in table.items() if key != "name"})
    try:
        return Variant(
            name=table["name"],
            changes={dotted: setting(dotted, value) for dotted, value in changes.items()},
        )
    except ValueError as error:
        raise ValueError(f"variant {table['name']!r}: {error}") from None
