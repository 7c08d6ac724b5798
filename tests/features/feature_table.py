"""The tables of ``docs/features.md``, made from the layout.

``python -m tests.features.feature_table`` writes them into the page anew; ``test_documented.py`` compares them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from zeekml.features import connection, hosts, pairs
from zeekml.features.layout import Feature

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"
PARTS: dict[str, Sequence[Feature]] = {
    "connection": connection.FEATURES,
    "host": hosts.FEATURES,
    "pair": pairs.FEATURES,
}


def table(features: Sequence[Feature]) -> str:
    """One line a feature, in the layout's order."""
    lines = ["| feature | from | value | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    for feature in features:
        sources = " ".join(f"`{source}`" for source in feature.sources)
        lines.append(
            f"| `{feature.name}` | {sources} | {feature.transform} | {feature.unit} | {feature.words} |"
        )
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """The page with every table as the layout has it."""
    for name, features in PARTS.items():
        start, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        pattern = re.escape(start) + r".*?" + re.escape(end)
        new = start + table(features) + end
        text, count = re.subn(pattern, lambda _, new=new: new, text, flags=re.DOTALL)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{PAGE}: found {count} places for the table {name!r}, expected 1")
    return text


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
