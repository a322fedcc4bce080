"""The runs of an experiment, each with its configuration, its tokens and its folder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cs336_basics.experiments.description.experiment import Experiment, SampleGrid
from cs336_basics.experiments.runs.token_sets import Source, TokenSet, beginning_of
from cs336_basics.files.atomic import make_folder
from cs336_basics.files.json_file import read_json, write_json
from cs336_basics.training.config import RunConfig, TrainingConfig
from cs336_basics.training.hardware import resolve_hardware
from cs336_basics.training.run_folder import RunFolder

SETTLED = ("device", "precision")


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """All that a process needs to know to do one run."""

    experiment: str
    variant: str
    seed: int
    changes: dict[str, Any]
    config: RunConfig
    token_set: TokenSet
    source: str
    """What a report calls the text."""
    samples: SampleGrid | None
    folder: Path

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return self.folder.name

    @property
    def run(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.folder)


def plan_runs(
    experiment: Experiment, source: Source, output: Path, *, progress: bool = False
) -> list[PlannedRun]:
    """Return all runs, the variants of a seed together; tokens that are missing are made first."""
    configs = {variant.name: experiment.config_of(variant) for variant in experiment.variants}
    token_sets = prepare_token_sets(experiment, configs, source, output, progress=progress)
    settled = settled_hardware(output)
    runs = []
    for seed in experiment.seeds:
        for variant in experiment.variants:
            token_set = token_sets[configs[variant.name].model.vocab_size]
            runs.append(
                PlannedRun(
                    experiment=experiment.name,
                    variant=variant.name,
                    seed=seed,
                    changes=variant.changes,
                    config=final_config(configs[variant.name], token_set, settled, seed),
                    token_set=token_set,
                    source=source.label,
                    samples=experiment.samples,
                    folder=output / experiment.name / f"{variant.name}-seed{seed}",
                )
            )
    return runs


def prepare_token_sets(
    experiment: Experiment, configs: dict[str, RunConfig], source: Source, output: Path, *, progress: bool
) -> dict[int, TokenSet]:
    """Return the tokens for each size of a vocabulary."""
    sizes = sorted({config.model.vocab_size for config in configs.values()})
    sets = {size: source.token_set(size, progress=progress) for size in sizes}
    if len({token_set.tokenizer for token_set in sets.values()}) < len(sizes):
        raise ValueError(
            f"{experiment.name} compares vocabularies, so it needs a text to make them from, but "
            f"{source.label} has one tokenizer; give a text with --data"
        )
    if experiment.train_tokens is not None:
        for size, token_set in sets.items():
            folder = output / "data" / f"beginning-{size}"
            make_folder(folder)
            sets[size] = beginning_of(token_set, experiment.train_tokens, folder)
    return sets


def settled_hardware(output: Path) -> dict[str, str]:
    """Return device and precision of all runs below `output`: a look at the machine decides, once.

    Each run would else look for itself, and on a busy machine two of them might see different things.
    """
    path = output / "hardware.json"
    if not path.is_file():
        resolved = resolve_hardware(TrainingConfig(steps=1))
        write_json(path, {name: getattr(resolved, name) for name in SETTLED})
    return read_json(path)


def final_config(config: RunConfig, token_set: TokenSet, settled: dict[str, str], seed: int) -> RunConfig:
    """Return the configuration with which a run is made."""
    auto = {name: settled[name] for name in SETTLED if getattr(config.training, name) == "auto"}
    return replace(
        config,
        model=replace(config.model, vocab_size=token_set.vocab_size),
        training=replace(config.training, seed=seed, **auto),
    )
