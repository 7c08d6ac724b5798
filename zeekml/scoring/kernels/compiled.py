"""Compilation, as everywhere in zeekml."""

from __future__ import annotations

from zeekml.compiled import compiled

__all__ = ["compiled"]
