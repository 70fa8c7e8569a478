"""Lazy loading of commands: a group lists its commands without importing their modules."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from server.commands.loading import without_garbage_collection


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command by the place of its definition, `module:name`, with its summary for the list of commands."""

    place: str
    summary: str
    # Command lines that its help shows.
    examples: tuple[str, ...] = ()

    def load(self) -> click.Command:
        """The command itself; only this call imports its module."""
        module, _, name = self.place.partition(":")
        with without_garbage_collection():
            command: click.Command = getattr(import_module(module), name)
        command.epilog = "\n".join(["\b", "Examples:", *(f"  {example}" for example in self.examples)])
        return command


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are run or show their own help."""

    def __init__(self, *arguments: Any, lazy: Mapping[str, LazyCommand], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the table."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None for an unknown name."""
        found = self.lazy.get(cmd_name)
        return found.load() if found else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in self.lazy.items()])
