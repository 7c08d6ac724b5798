"""Options that several commands share, declared once: they read alike, and mean the same, wherever they stand."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer


class OutputFormat(StrEnum):
    """How the outputs are written."""

    TSV = "tsv"
    JSON = "json"


# What a folder lacks is told by the command, with what to do, not by the command line's own check.
_OUT = typer.Option("--out", metavar="DIR", help="The folder for notice.log and zeekml.log.", readable=False)
_STATE = typer.Option(
    "--state", metavar="DIR", help="The folder for what must survive a stop or a crash.", readable=False
)

Out: TypeAlias = Annotated[Path, _OUT]
OutIfAny: TypeAlias = Annotated[Path | None, _OUT]
State: TypeAlias = Annotated[Path, _STATE]
StateIfAny: TypeAlias = Annotated[Path | None, _STATE]

Format: TypeAlias = Annotated[
    OutputFormat | None,
    typer.Option("--format", help="How the outputs are written.", show_default="tsv"),
]
LogThreshold: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--log-threshold",
        metavar="X",
        help="Write connections scored at X (0 to 1) or above to zeekml.log; 0 writes every one.",
        show_default="0.5",
    ),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="M",
        help="A model's name, or a bundle's folder, as in ./x.",
        show_default="the one in the settings",
    ),
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        help="Threads that run a network by PyTorch or onnxruntime; the compiled kernels of the shipped one take "
        "one thread whatever it says.",
        show_default="1",
    ),
]
Config: TypeAlias = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A configuration file (YAML).")
]
Baseline: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="What is ordinary on this site, as zeekml baseline wrote it.",
        show_default="the one in the settings",
    ),
]
