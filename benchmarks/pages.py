"""Pages that figures are written into, between two marks."""

from __future__ import annotations

from pathlib import Path


def written(document: Path, text: str, begin: str, end: str) -> None:
    """Put a text between two marks of a page."""
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(
            f"{document}: lacks the marks {begin} and {end}; put them where the figures are to stand"
        )
    document.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
