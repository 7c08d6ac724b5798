"""``zeekml config show|check``: what holds, and what is wrong in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zeekml.cli.group import Group
from zeekml.cli.options import Config


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    group = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
    group.command("show")(show)
    group.command("check")(check)
    app.add_typer(group, name="config", help="Show the settings that hold, or check a configuration file.")


def show(
    config: Config = None,
) -> None:
    """Print all settings as YAML: the defaults, with a file's settings on top."""
    from zeekml.config import load_settings

    typer.echo(load_settings(config).as_yaml(), nl=False)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration file (YAML).")],
) -> None:
    """Say whether a configuration file is right; if not, what is wrong in which line, with exit code 6."""
    from zeekml.config import load_settings

    load_settings(file)
    typer.echo(f"{file}: ok")
