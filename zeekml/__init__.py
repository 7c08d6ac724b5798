"""Scores Zeek and Suricata connection logs for botnet activity and writes notice logs back.

The public names load on first use, so that ``import zeekml`` costs nothing::

    from zeekml import Detector

    scored = Detector.load().score(frame)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeekml.errors import (
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
    from zeekml.scoring import Detector

__version__ = "0.1.0"

__all__ = [
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
]


if not TYPE_CHECKING:  # a type checker reads the imports above, and must not believe any name

    def __getattr__(name: str) -> object:
        """Loads a public name at its first use (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("zeekml.scoring" if name == "Detector" else "zeekml.errors"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
