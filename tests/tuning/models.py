"""Models that are others' with some numbers changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from zeekml.scoring.bundle import MANIFEST


def changed(parent: Path, folder: Path, *, thresholds: dict[str, float], evidence: float) -> Path:
    """A copy of a bundle under the folder's name, with other thresholds and floor of evidence."""
    shutil.copytree(parent, folder)
    content = yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8"))
    content["name"] = folder.name
    content["thresholds"] |= thresholds
    content["evidence"]["floor"] = evidence
    (folder / MANIFEST).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return folder
