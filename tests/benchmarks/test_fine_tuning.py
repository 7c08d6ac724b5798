"""A fold's sites are tuned both ways and held against what the model knew and what it never saw; a page tells of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fine_tuning
from tests.training.data import recipe_file, write_captures
from zeekml.training import load_recipe
from zeekml.training.captures import load_captures
from zeekml.training.folds import deal


def changed(recipe: dict[str, Any]) -> None:
    recipe["fit"].update(epochs=1, patience=0)
    recipe["trees"] = {"share": 0.5, "count": 3, "leaves": 4}


def fold_with_two_networks(data: Path, path: Path) -> int:
    """One whose bots can be laid into another network than the site's."""
    recipe = load_recipe(path)
    folds = deal(load_captures(recipe, data), 3, recipe.seed)
    return next(n for n, fold in enumerate(folds) if len(fold.clean) == 2 and len(fold.infected) in (1, 2))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["fine_tuning.py", *arguments])
    fine_tuning.main()


def test_a_fold_is_tried_once_and_its_page_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out, document = (
        write_captures(tmp_path / "data", groups=5, connections=400),
        tmp_path / "out",
        tmp_path / "page.md",
    )
    recipe = recipe_file(tmp_path, changed)
    number = fold_with_two_networks(data, recipe)
    asked = ["--data", str(data), "--recipe", str(recipe), "--out", str(out)]
    asked += ["--of", "3", "--folds", str(number), "--epochs", "1", "--least", "100"]
    run(monkeypatch, *asked, "--document", str(document))
    text = document.read_text(encoding="utf-8")
    assert text.startswith("# Fine-tuning, tried\n")
    assert f"fold {number}\nof 3 (counted from 0)" in text

    kept = json.loads((out / f"fold-{number}" / "runs.json").read_text(encoding="utf-8"))
    assert {run["way"] for run in kept} == {"with", "without"}
    sites = {run["site"] for run in kept}
    assert sites
    known = (out / f"fold-{number}" / "tables" / "groups.csv").read_text(encoding="utf-8")
    assert not any(site in known for site in sites), "the model that is tuned has seen nothing of the site"
    for run_of in kept:
        site = run_of["figures"]["site"]
        assert site["before"].keys() == site["after"].keys() >= {"false_host_alerts", "mean_score"}
        assert f"| {run_of['site']} | {site['before']['false_host_alerts']} → " in text
        for place in ("reference", "unseen"):
            assert 0 <= run_of["figures"][place]["before"]["average_precision"] <= 1

    capsys.readouterr()
    monkeypatch.setattr(fine_tuning, "train", lambda *_, **__: pytest.fail("it was done before"))
    run(monkeypatch, *asked)
    assert capsys.readouterr().out.strip() == text.strip()
