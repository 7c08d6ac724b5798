"""``zeekml model list|show|verify``: which models there are, what they are, and whether they are intact."""

from __future__ import annotations

from typing import Annotated

import typer

from zeekml.resources import DEFAULT_MODEL

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, or a bundle's folder.")]


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_models)
    group.command("show")(show)
    group.command("verify")(verify)
    app.add_typer(group, name="model", help="List the models, show what one is, or check that it is intact.")


def list_models() -> None:
    """List the models that this installation brings along."""
    from zeekml.scoring import list_bundles

    for bundle in list_bundles():
        default = "  (default)" if bundle.name == DEFAULT_MODEL else ""
        typer.echo(f"{bundle.name}  version {bundle.version}  classes {', '.join(bundle.classes)}{default}")


def show(model: Model = DEFAULT_MODEL) -> None:
    """Show what a model is: network, layout, classes, thresholds, training data, hashes."""
    from zeekml.scoring import load_bundle

    bundle = load_bundle(model)
    typer.echo(f"{bundle.name}  version {bundle.version}")


def verify(model: Model = DEFAULT_MODEL) -> None:
    """Check a model's fields, hashes and feature layout; exit code 5 says that something is wrong."""
    from zeekml.scoring import verify_bundle

    verify_bundle(model)
    typer.echo(f"{model}: ok")
