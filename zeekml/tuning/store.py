"""Writes a tuned bundle: its parent's manifest with what has changed, its figures, and its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.numpy

import zeekml
from zeekml.scoring import Bundle
from zeekml.scoring.bundle import CARD, MANIFEST, METRICS, WEIGHTS, find_bundle, load_bundle
from zeekml.scoring.manifest import Parent, Tuning
from zeekml.scoring.store import arrays_of, save_bundle
from zeekml.tuning.report import card


def parent_of(name: str, bundle: Bundle) -> Parent:
    """The bundle ``name`` as its children name it."""
    return Parent(
        name=bundle.name,
        version=bundle.version,
        manifest_sha256=hashlib.sha256((find_bundle(name) / MANIFEST).read_bytes()).hexdigest(),
        weights_sha256=bundle.manifest.files[WEIGHTS],
    )


def save(folder: Path, parent: str, bundle: Bundle, tuning: Tuning, metrics: dict[str, Any]) -> Path:
    """Write the bundle to ``folder``, named as it is, and return the folder. Raises OutputError."""
    arrays = arrays_of(
        bundle.network,
        bundle.encoding,
        bundle.reason_coefficients,
        bundle.reason_typical,
        bundle.trees,
        bundle.drift,
    )
    content = bundle.manifest.model_dump(mode="json", exclude={"format", "files"})
    content |= {
        "name": folder.name,
        "version": f"{tuning.parent.version.split('+')[0]}+{_mark(arrays, content)}",
        "description": f"{tuning.parent.name} {tuning.parent.version}, {_done(tuning)}.",
        "code_version": zeekml.__version__,
        "tuning": tuning.model_dump(mode="json"),
    }
    former = find_bundle(parent) / CARD
    text = former.read_text(encoding="utf-8") if former.is_file() else ""
    texts = {METRICS: json.dumps(metrics, indent=1, allow_nan=False) + "\n"}
    texts[CARD] = card(content["name"], content["version"], tuning, metrics, text)
    save_bundle(folder, content, arrays, texts)
    load_bundle(folder.resolve())
    return folder


def _mark(arrays: dict[str, Any], content: dict[str, Any]) -> str:
    """Tells two bundles apart that were made from one parent: eight hexadecimal digits of all that scores."""
    verdicts = json.dumps([content["calibration"], content["thresholds"], content["evidence"]])
    return hashlib.sha256(safetensors.numpy.save(arrays) + verdicts.encode()).hexdigest()[:8]


def _done(tuning: Tuning) -> str:
    if tuning.fitted == "calibration":
        return f"calibrated by {tuning.feedback.used} verdicts of analysts"
    connections = sum(log.connections - log.held_out for log in tuning.logs)
    return f"trained further on {connections} connections of a site"
