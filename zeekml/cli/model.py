"""``zeekml model list|show|figures|verify|export``: which models there are, what they are, if intact; to ONNX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.group import Group
from zeekml.resources import DEFAULT_MODEL

if TYPE_CHECKING:
    from zeekml.scoring import Manifest
    from zeekml.scoring.manifest import Tuning

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model's name, or a bundle's folder, as in ./x.")
]


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    group = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_models)
    group.command("show")(show)
    group.command("figures")(figures)
    group.command("verify")(verify)
    group.command("export")(export)
    app.add_typer(
        group,
        name="model",
        help="List the models, show what one is and what it was measured at, check that it is intact, or export it.",
    )


def list_models() -> None:
    """List the models that this installation brings along."""
    from zeekml.errors import BundleError
    from zeekml.scoring import list_bundles

    for name, bundle in list_bundles().items():
        default = "  (default)" if name == DEFAULT_MODEL else ""
        if isinstance(bundle, BundleError):
            typer.echo(f"{name}  broken: {bundle}{default}")
        else:
            typer.echo(f"{name}  version {bundle.version}  classes {', '.join(bundle.classes)}{default}")


def show(model: Model = DEFAULT_MODEL) -> None:
    """Show what a model is: network, layout, classes, thresholds, training data, hashes."""
    from zeekml.scoring import load_bundle

    for name, value in _facts(load_bundle(model).manifest):
        typer.echo(f"{name:<28}{value}")


def figures(model: Model = DEFAULT_MODEL) -> None:
    """Show what a model came to on captures that it had not seen, as zeekml train prints it."""
    from zeekml.cli.figures import show_figures
    from zeekml.errors import BundleError
    from zeekml.scoring.bundle import METRICS, find_bundle, read_metrics

    if not show_figures(read_metrics(model)):
        raise BundleError(
            f"{find_bundle(model) / METRICS}: holds no figures of zeekml train; measure the model with zeekml evaluate"
        )


def verify(model: Model = DEFAULT_MODEL) -> None:
    """Check a model's fields, hashes and feature layout; exit code 5 says that something is wrong."""
    from zeekml.scoring import verify_bundle

    manifest = verify_bundle(model)
    typer.echo(f"{model}: ok ({manifest.name} {manifest.version}, {len(manifest.files)} files)")


def export(
    onnx: Annotated[
        Path,
        typer.Option(
            "--onnx", metavar="DIR", help="The folder for the bundle that holds the ONNX graph too."
        ),
    ],
    model: Model = DEFAULT_MODEL,
) -> None:
    """Write a model once more with its network as an ONNX graph, which onnxruntime runs instead of PyTorch."""
    from zeekml.scoring.export import export_onnx

    manifest = export_onnx(model, onnx)
    typer.echo(
        f"{onnx}: {manifest.name} {manifest.version} with network.onnx; use it with --model {_named(onnx)}"
    )


def _named(folder: Path) -> str:
    """A folder as it is named where a name could stand."""
    return str(folder) if "/" in str(folder) else f"./{folder}"


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What a bundle says of itself, as name and value."""
    network, layout, training = manifest.network, manifest.layout, manifest.training
    thresholds, evidence = manifest.thresholds, manifest.evidence
    yield "model", f"{manifest.name}, version {manifest.version}, made by zeekml {manifest.code_version}"
    yield "", manifest.description
    yield "network", f"{network.name}, {network.layout} layout, width {network.width}, depth {network.depth}"
    yield (
        "features",
        (
            f"{layout.name}, version {layout.version}: {len(manifest.encoding.used)} of "
            f"{len(layout.features)} used, encoded {manifest.encoding.mode} in {manifest.encoding.bins} bins"
        ),
    )
    yield "classes", ", ".join(manifest.classes)
    yield "connection threshold", _threshold("score", thresholds.connection, thresholds.connection_fpr)
    yield "host threshold", _threshold("evidence", thresholds.host, thresholds.host_fpr)
    yield "evidence from", _threshold("score", evidence.floor, evidence.floor_fpr)
    yield "evidence halves in", f"{evidence.half_life:g} s"
    yield "reasons explain", f"{manifest.reasons.fidelity:.0%} of the variance of the network's log odds"
    connections = sum(log.connections for log in training.logs)
    groups = {log.group for log in training.logs}
    yield (
        "trained on",
        (
            f"{connections:,} connections in {len(training.logs)} logs of {len(groups)} groups, "
            f"{training.epochs} epochs, seed {training.seed}"
        ),
    )
    if manifest.tuning is not None:
        yield from _tuning(manifest.tuning)
    yield "recipe sha256", training.recipe_sha256
    yield "layout sha256", layout.digest
    for file, digest in manifest.files.items():
        yield f"{file} sha256", digest


def _tuning(tuning: Tuning) -> Iterator[tuple[str, str]]:
    """What a bundle was made from, and by what."""
    from zeekml.records.discover import shown as printable

    parent, feedback = tuning.parent, tuning.feedback
    yield "made from", f"{parent.name}, version {parent.version}, on {tuning.made}"
    yield "parent sha256", parent.manifest_sha256
    epochs = f" for {tuning.epochs} epochs, seed {tuning.seed}" if tuning.fitted == "network" else ""
    yield "fitted", f"the {tuning.fitted}{epochs}, {tuning.rehearsed} rehearsed"
    for log in tuning.logs:
        yield (
            "site log",
            (
                f"{printable(log.name)}: {log.connections:,} connections, {log.held_out:,} held out, "
                f"{_day(log.first)} to {_day(log.last)}"
            ),
        )
    yield (
        "verdicts",
        f"{feedback.used} of {feedback.verdicts} used: {feedback.benign} benign, {feedback.malicious} malicious",
    )


def _day(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _threshold(unit: str, value: float, false_positives: float) -> str:
    return f"{unit} {value:.4g}, for a false-positive rate of {false_positives:.1e}"
