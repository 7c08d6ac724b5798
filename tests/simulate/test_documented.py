"""docs/simulate.md names every pattern with its label, and every format."""

from __future__ import annotations

import re
from pathlib import Path

from zeekml.simulate import FORMATS, PATTERNS, Scenario, simulate
from zeekml.simulate.table import LABELS, concat

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulate.md").read_text(encoding="utf-8")


def test_every_pattern_is_documented_with_its_label() -> None:
    documented = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert set(documented) == set(PATTERNS)
    for name, label in documented.items():
        table = concat(list(simulate(Scenario(connections=200, hosts=40, patterns=(name,)))))
        told = {" ".join(word for word in LABELS[code] if word) for code in set(table.label)}
        assert told - ({"Benign"} if name == "spam" else set()) == {label}


def test_every_format_is_documented() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", PAGE.split("## Formats")[1], re.MULTILINE) == list(FORMATS)
