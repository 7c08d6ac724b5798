"""From connections to scores: the model bundle, the scorer that carries state, calibration and reasons."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from zeekml.features import StateLimits
from zeekml.scoring.bundle import Bundle, list_bundles, load_bundle, verify_bundle
from zeekml.scoring.manifest import Manifest
from zeekml.scoring.scorer import Scorer
from zeekml.scoring.scores import Scores

if TYPE_CHECKING:
    from zeekml.scoring.detector import Detector

__all__ = [
    "Bundle",
    "Detector",
    "Manifest",
    "Scorer",
    "Scores",
    "StateLimits",
    "list_bundles",
    "load_bundle",
    "verify_bundle",
]


if not TYPE_CHECKING:  # a type checker reads the import above, and must not believe any name

    def __getattr__(name: str) -> object:
        """Loads the detector, which brings pandas, at its first use (PEP 562)."""
        if name != "Detector":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module("zeekml.scoring.detector").Detector
