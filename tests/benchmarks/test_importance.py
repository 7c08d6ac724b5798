"""What a model leans on: families of features are dealt anew together, and the one that matters costs the most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import importance
from benchmarks.importance import FAMILIES, MARKS, members_of, seen_families, tables
from tests.training.data import recipe_file, write_captures
from zeekml.features import LAYOUT
from zeekml.training import load_recipe


def test_every_feature_is_in_one_family() -> None:
    places = [at for family in FAMILIES for at in members_of(family)]
    assert sorted(places) == list(range(len(LAYOUT.names)))


def test_families_that_neither_network_nor_trees_see_are_not_asked_about(tmp_path: Path) -> None:
    def change(recipe: dict[str, object]) -> None:
        recipe["network"] = {"without": ["pair_*", "host_dns*"]}
        recipe["trees"] = {"share": 0.5, "without": ["pair_*", "state_*"]}

    assert set(FAMILIES) - set(seen_families(load_recipe(recipe_file(tmp_path, change)))) == {"pair"}


def test_the_tables_name_what_costs_a_capture_most() -> None:
    plain = {"all": 0.9, "1e-2": 0.5, "1e-3": 0.3, "a": 0.8, "b": 0.7}
    dealt = {
        "sizes": {"all": 0.5, "1e-2": 0.1, "1e-3": 0.0, "a": 0.2, "b": 0.7},
        "state": {"all": 0.7, "1e-2": 0.4, "1e-3": 0.2, "a": 0.7, "b": 0.72},
    }
    lines = list(tables(plain, dealt))
    assert lines[2] == "| nothing | 0.900 | 0.500 | 0.300 |"
    assert lines[3].startswith("| sizes | 0.500 |"), "the costliest first"
    assert lines[-2:] == [
        "| `a` | 0.800 | sizes (0.60), state (0.10) |",
        "| `b` | 0.700 | nothing by itself |",
    ]


def test_a_recipe_is_asked_and_the_page_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_captures(tmp_path / "data")

    def change(recipe: dict[str, object]) -> None:
        fit = recipe["fit"]
        assert isinstance(fit, dict)
        fit.update(epochs=2, patience=0)
        recipe["trees"] = {"share": 0.5, "count": 3, "leaves": 4}

    page = tmp_path / "page.md"
    page.write_text(f"above\n{MARKS[0]}\nold\n{MARKS[1]}\nbelow\n")
    asked = [str(recipe_file(tmp_path, change)), "--data", str(data), "--repeats", "1"]
    assert importance.main([*asked, "--document", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "old" not in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert {row[0][2:] for row in rows[3 : 3 + len(FAMILIES)]} == set(FAMILIES)
    figures = np.array([[float(cell.strip(" |")) for cell in row[1:]] for row in rows[2 : 3 + len(FAMILIES)]])
    assert ((figures >= 0) & (figures <= 1)).all()
    assert len({tuple(row) for row in figures.tolist()}) > 1
    assert importance.main(asked) == 0
    assert capsys.readouterr().out.splitlines()[2] == " | ".join(rows[2]), "the same again"


def test_a_recipe_that_stops_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"fit.patience and fit.taught must be 0"):
        importance.main([str(recipe_file(tmp_path)), "--data", str(tmp_path)])
