"""Scores Zeek and Suricata connection logs for botnet activity and writes notice logs back.

The public names load on first use, so that ``import zeekml`` costs nothing::

    from zeekml import Detector, read_logs

    for log in read_logs("logs"):
        scored = Detector.load().score(log.frame)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeekml.errors import (
        BaselineError,
        BundleError,
        ConfigError,
        FormatError,
        InputError,
        LayoutError,
        MissingColumnError,
        ModelError,
        OutputError,
        RecipeError,
        TruncatedError,
        ZeekMLError,
    )
    from zeekml.records import read_logs
    from zeekml.scoring import Detector

__version__ = "0.1.0"

__all__ = [
    "BaselineError",
    "BundleError",
    "ConfigError",
    "Detector",
    "FormatError",
    "InputError",
    "LayoutError",
    "MissingColumnError",
    "ModelError",
    "OutputError",
    "RecipeError",
    "TruncatedError",
    "ZeekMLError",
    "__version__",
    "read_logs",
]

_HOMES = {"Detector": "zeekml.scoring", "read_logs": "zeekml.records"}  # of the others: zeekml.errors


if not TYPE_CHECKING:  # a type checker reads the imports above, and must not believe any name

    def __getattr__(name: str) -> object:
        """Loads a public name at its first use (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES.get(name, "zeekml.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
