"""The commands, each read from its module when it is asked for: a run pays for its own command only."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any, Final

import typer

from zeekml.cli.group import Group
from zeekml.cli.plain import PlainCommand

#: In the order of the help; each has a module of its name here.
NAMES: Final = (
    "score",
    "watch",
    "explain",
    "feedback",
    "baseline",
    "report",
    "status",
    "doctor",
    "simulate",
    "train",
    "evaluate",
    "compare",
    "model",
    "config",
    "labels",
)


class Commands(MutableMapping[str, Any]):
    """Commands by name, made when they are first asked for. Which there are is known before."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._made: dict[str, Any] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Any:
        found = self._made[name]
        if found is None:
            found = self._made[name] = _command(name)
        return found

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


class AllCommands(Group):
    """The command line as a whole."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands(NAMES)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's own reads every command for their names
        """The names of the commands, in the order of the help."""
        return list(self.commands)


def _command(name: str) -> Any:
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    try:
        import_module(f"zeekml.cli.{name}").register(alone)
    except KeyError as error:  # who asks a mapping would take it for "no such command"
        raise RuntimeError(f"zeekml.cli.{name} cannot be loaded") from error
    for command in alone.registered_commands:
        command.cls = PlainCommand
    return typer.main.get_group(alone).commands[name]
