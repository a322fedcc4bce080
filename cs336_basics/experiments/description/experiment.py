"""What an experiment is: a base configuration, variants of it, seeds; all as data, checked once."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cs336_basics.training.config import RunConfig

Scale = Literal["tiny", "small", "course"]
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One configuration of an experiment."""

    name: str
    """Names its run folders, so it is plain: letters, digits, dots, hyphens, underscores, equals signs."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What differs from the base: dotted field of `RunConfig` -> value."""

    def __post_init__(self) -> None:
        require_plain_name(self.name)


@dataclass(frozen=True, kw_only=True)
class SampleGrid:
    """Which texts a trained model writes: every prompt at every temperature with every top_p."""

    prompts: tuple[str, ...] = ("",)
    """Texts to continue; an empty one begins a new document."""
    temperatures: tuple[float, ...] = (0.8,)
    """Below 1 the model sticks to likely tokens; 0 always takes the likeliest."""
    top_p: tuple[float, ...] = (0.95,)
    """Choose among the likeliest tokens that together have this probability."""
    max_new_tokens: int = 64
    """Stop after so many tokens, if the document has not ended before."""

    def __post_init__(self) -> None:
        for name in ("prompts", "temperatures", "top_p"):
            require_distinct(f"samples.{name}", getattr(self, name))
        for temperature in self.temperatures:
            if not temperature >= 0:
                raise ValueError(f"samples.temperatures must not be negative but one is {temperature}")
        for top_p in self.top_p:
            if not 0 < top_p <= 1:
                raise ValueError(f"samples.top_p must lie in (0, 1] but one is {top_p}")
        if self.max_new_tokens < 1:
            raise ValueError(f"samples.max_new_tokens must be at least 1 but is {self.max_new_tokens}")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment at one scale."""

    name: str
    """The name of its file and of its folder of runs."""
    scale: Scale
    title: str
    question: str
    """What is to be found out, in one sentence."""
    base: RunConfig
    """What all variants have in common."""
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    baseline: str | None = None
    """The variant with which the others are compared; None: there is none."""
    made_for: str | None = None
    """The text that the recipe is made for; None: any."""
    train_tokens: int | None = None
    """Train on so many tokens from the beginning of the text only; None: on all."""
    samples: SampleGrid | None = None
    """What each trained model writes; None: nothing."""

    def __post_init__(self) -> None:
        require_plain_name(self.name)
        require_distinct("seeds", self.seeds)
        for seed in self.seeds:
            if seed < 0:
                raise ValueError(f"seeds must not be negative but one is {seed}")
        names = [variant.name for variant in self.variants]
        require_distinct("the names of variants", names)
        # Mac and Windows take names that differ in case only for the same folder.
        require_distinct("the names of variants, whatever their case,", [name.casefold() for name in names])
        if self.baseline is not None and self.baseline not in names:
            raise ValueError(f"baseline must be one of {', '.join(names)} but is {self.baseline!r}")
        if self.train_tokens is not None and self.train_tokens < 2:
            raise ValueError(f"train_tokens must be at least 2 but is {self.train_tokens}")
        for variant in self.variants:
            seed = self.config_of(variant).training.seed
            if seed != 0:
                raise ValueError(
                    f"training.seed must be left out, for each variant is trained with all seeds, but is "
                    f"{seed}; write seeds = [{seed}]"
                )

    def config_of(self, variant: Variant) -> RunConfig:
        """Return the configuration of a variant; a field that does not exist or does not fit is an error."""
        return with_changes(self.base, variant.changes)

    @property
    def num_runs(self) -> int:
        """Variants times seeds."""
        return len(self.variants) * len(self.seeds)


def with_changes(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """Return `config` with other values for dotted fields such as "optimizer.learning_rate"."""
    values = config.to_dict()
    for dotted, value in changes.items():
        part, _, name = dotted.partition(".")
        if part not in values or not name:
            raise ValueError(
                f"a field to change is one of model, optimizer or training but there is none {dotted!r}; "
                "write for example optimizer.learning_rate"
            )
        values[part][name] = value
    return RunConfig.from_dict(values)


def require_plain_name(name: str) -> None:
    """Raise `ValueError` for a name that cannot be that of a folder everywhere."""
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(
            f"a name consists of letters, digits and . _ = - but one is {name!r}; choose another"
        )


def require_distinct(what: str, values: Sequence[Any]) -> None:
    """Raise `ValueError` if there is nothing, or something twice."""
    if len(values) == 0:
        raise ValueError(f"{what} must hold at least one value but there is none; give one")
    value, times = Counter(values).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{what} must differ but {value!r} is there {times} times; remove one")
