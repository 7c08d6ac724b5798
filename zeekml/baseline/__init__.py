"""A site's baseline: what is ordinary there, learned from its logs, in one file that can be read and checked."""

from __future__ import annotations

from zeekml.baseline.content import FORMAT, Baseline
from zeekml.baseline.file import load_baseline, save_baseline

__all__ = ["FORMAT", "Baseline", "load_baseline", "save_baseline"]
