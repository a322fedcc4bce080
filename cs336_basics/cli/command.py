"""What all subcommands have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A subcommand: its fields are its options, its docstring is its help."""

    debug: bool = False
    """Show the traceback of an error."""

    can_continue: ClassVar[bool] = False
    """Whether the same command, given again, goes on where it was interrupted."""

    @abstractmethod
    def execute(self) -> None:
        """Do what the subcommand is for."""
