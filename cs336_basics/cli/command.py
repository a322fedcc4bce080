"""What all subcommands have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A subcommand: its fields are its options, its docstring is its help."""

    debug: bool = False
    """Show the traceback of an error."""

    @abstractmethod
    def execute(self) -> None:
        """Do what the subcommand is for."""
