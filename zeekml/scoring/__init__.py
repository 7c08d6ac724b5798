"""From connections to scores: the model bundle, the scorer that carries state, calibration and reasons."""

from __future__ import annotations

from zeekml.features import StateLimits
from zeekml.scoring.bundle import Bundle, list_bundles, load_bundle, verify_bundle
from zeekml.scoring.detector import Detector
from zeekml.scoring.manifest import Manifest
from zeekml.scoring.scorer import Scorer
from zeekml.scoring.scores import Scores

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
