"""The experiments that come with the package, and a user's own, by name or path."""

from pathlib import Path

DEFINITIONS = Path(__file__).parents[1] / "definitions"


def shipped_names() -> list[str]:
    """Return the names of the experiments in the package."""
    return sorted(path.stem for path in DEFINITIONS.glob("*.toml"))


def find_experiment(name: str) -> Path:
    """Return the file of a shipped experiment by its name, or the user's own by its path."""
    own = Path(name)
    if own.suffix == ".toml":
        if own.stem in shipped_names() and own.resolve() != (DEFINITIONS / own.name).resolve():
            raise ValueError(
                f"the name of {own} must be its own but {own.stem!r} comes with the package; rename the file"
            )
        return own
    if name not in shipped_names():
        raise ValueError(
            f"an experiment is one of {', '.join(shipped_names())}, or the path of a .toml file, but there "
            f"is none {name!r}"
        )
    return DEFINITIONS / f"{name}.toml"
