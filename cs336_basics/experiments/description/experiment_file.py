"""Read an experiment from its TOML file, at one scale.

```toml
title = "..."
question = "..."
preset = "quickstart"            # settings to start from
seeds = [0, 1]
baseline = "pre-norm"            # the variant with which the others are compared
made_for = "OpenWebText"         # the text that the recipe is made for
train_tokens = 129               # from the beginning of the text only
optimizer.warmup_steps = 40      # settings other than the preset's: model, optimizer, training
vary.model.norm = ["pre", "post"]          # every combination of these lists
together.training.batch_size = [8, 16]     # these lists row by row, beside each combination

[[variant]]                      # what fits no list
name = "pre-norm-low"
optimizer.learning_rate = 1e-4

[samples]                        # what trained models write
prompts = ["The"]

[scale.course]                   # at this scale: all of the above again where it differs
preset = "tinystories"
```

What a scale says takes the place of what the file says above it; its settings are added one by one. A file
without any scale is the same at all of them.
"""

import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

from cs336_basics.experiments.description.experiment import Experiment, SampleGrid, Scale, with_changes
from cs336_basics.experiments.description.toml_values import flattened, setting
from cs336_basics.experiments.description.variants import variants_of
from cs336_basics.training.config import RunConfig
from cs336_basics.training.presets import PRESETS
from cs336_basics.training.typed_values import converted

SETTINGS = ("model", "optimizer", "training")
TABLES = (*SETTINGS, "vary", "together", "samples")
SIMPLE: dict[str, Any] = {
    "preset": str,
    "seeds": tuple[int, ...],
    "baseline": str,
    "made_for": str,
    "train_tokens": int,
}
TEXTS = ("title", "question")
KEYS = (*SIMPLE, *TABLES, "variant")


def read_experiment(path: Path, scale: Scale) -> Experiment:
    """Return the experiment of a file; whatever is wrong with it is one `ValueError` that names the file."""
    if not path.is_file():
        raise FileNotFoundError(f"expected an experiment file but found none at {path}; check the path")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse_experiment(content, name=path.stem, scale=scale)
    except ValueError as error:  # also of TOML and of UTF-8
        raise ValueError(f"{path}: {error}") from None


def parse_experiment(content: dict[str, Any], *, name: str, scale: Scale) -> Experiment:
    """Return the experiment that the content of a file describes."""
    require_known(content, (*TEXTS, *KEYS, "scale"), "an experiment")
    texts = {key: converted(content.get(key), str, key) for key in TEXTS}
    merged = merge({key: value for key, value in content.items() if key in KEYS}, at_scale(content, scale))
    simple = {key: converted(merged[key], hint, key) for key, hint in SIMPLE.items() if key in merged}
    base = base_config(simple.pop("preset", "tiny"), merged)
    single = merged.get("variant", [])
    if not isinstance(single, list):
        raise ValueError("variant must be a list of tables; write [[variant]], with two brackets")
    return Experiment(
        name=name,
        scale=scale,
        base=base,
        variants=variants_of(merged.get("vary", {}), merged.get("together", {}), single),
        samples=sample_grid(merged["samples"]) if "samples" in merged else None,
        **{"seeds": (0,), **simple},
        **texts,
    )


def at_scale(content: dict[str, Any], scale: Scale) -> dict[str, Any]:
    """Return what a file says about a scale."""
    scales = content.get("scale", {})
    if not isinstance(scales, dict):
        raise ValueError(f"scale must be a table but is {scales!r}; write [scale.tiny]")
    require_known(scales, get_args(Scale), "scale")
    for each, table in scales.items():
        if not isinstance(table, dict):
            raise ValueError(f"scale.{each} must be a table but is {table!r}; write [scale.{each}]")
        require_known(table, KEYS, f"scale.{each}")
    if scales and scale not in scales:
        raise ValueError(f"the experiment is made for the scales {', '.join(scales)} but not for {scale}")
    return scales.get(scale, {})


def merge(above: dict[str, Any], at_scale: dict[str, Any]) -> dict[str, Any]:
    """Return one table: settings of the scale are added one by one, all else takes the place of the same."""
    for table in (above, at_scale):
        for key in set(TABLES) & table.keys():
            if not isinstance(table[key], dict):
                raise ValueError(f"{key} must be a table but is {table[key]!r}; write [{key}]")
    added = {key: {**above.get(key, {}), **at_scale.get(key, {})} for key in SETTINGS}
    return {**above, **at_scale, **added}


def base_config(preset: str, merged: dict[str, Any]) -> RunConfig:
    """Return the preset with the settings of the file."""
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)} but is {preset!r}; correct it")
    settings = flattened({key: merged[key] for key in SETTINGS})
    return with_changes(PRESETS[preset], {key: setting(key, value) for key, value in settings.items()})


def sample_grid(table: dict[str, Any]) -> SampleGrid:
    """Return the grid that a `[samples]` table describes."""
    hints = get_type_hints(SampleGrid)
    require_known(table, tuple(hints), "samples")
    return SampleGrid(**{key: converted(value, hints[key], f"samples.{key}") for key, value in table.items()})


def require_known(table: dict[str, Any], keys: tuple[str, ...], what: str) -> None:
    """Raise `ValueError` for a key that means nothing."""
    for key in table:
        if key not in keys:
            raise ValueError(f"{what} has no key {key!r}; remove it, or take one of {', '.join(keys)}")
