"""Scores connections on Spark: raw logs by path, as ``zeekml score`` does, or DataFrames. Needs ``zeekml[spark]``.

The public names load on first use: what the executors' processes need is less than that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeekml.spark.batch import SparkOptions, score_on_spark
    from zeekml.spark.frames import score_frame

__all__ = ["SparkOptions", "score_frame", "score_on_spark"]

_MODULES = {"SparkOptions": "batch", "score_frame": "frames", "score_on_spark": "batch"}


if not TYPE_CHECKING:  # a type checker reads the imports above, and must not believe any name

    def __getattr__(name: str) -> object:
        """Loads a public name at its first use (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
