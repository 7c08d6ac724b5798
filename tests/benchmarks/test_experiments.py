"""Recipes and joinings are measured alike, and their tables go to the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import experiments
from benchmarks.experiments import JOININGS, harmonic, weighed
from tests.training.data import recipe_file, write_captures

ODDS = np.array([-3.0, 0.0, 2.0, 5.0])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captures(tmp_path_factory.mktemp("experiments"))


def small(folder: Path, share: float) -> Path:
    def change(recipe: dict[str, object]) -> None:
        fit = recipe["fit"]
        assert isinstance(fit, dict)
        fit.update(epochs=2, patience=0)
        recipe["trees"] = {"share": share, "count": 3, "leaves": 4}

    return recipe_file(folder, change)


def test_joinings_of_those_who_agree_say_the_same() -> None:
    for name, joining in JOININGS.items():
        if "within" not in name:
            np.testing.assert_allclose(joining(ODDS, ODDS), ODDS, atol=1e-12, err_msg=name)


def test_the_harmonic_mean_lies_near_the_lesser_and_the_weighed_one_between() -> None:
    network, trees = ODDS, ODDS[::-1].copy()
    found = harmonic(0.5)(network, trees)
    expected = np.log(2 / (np.exp(-network) + np.exp(-trees)))
    np.testing.assert_allclose(found, expected)
    assert (found < weighed(0.5)(network, trees)).all()
    np.testing.assert_allclose(weighed(0.25)(network, trees), 0.75 * network + 0.25 * trees)


def test_a_table_of_recipes_and_one_of_joinings(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, page = small(data, 0.4), tmp_path / "page.md"
    common = [str(recipe), "--data", str(data), "--folds", str(tmp_path / "folds")]
    page.write_text("above\n<!-- recipes: begin -->\nold\n<!-- recipes: end -->\nbelow\n")
    assert experiments.main([*common, "--document", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "old" not in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| `made`", "model"], ["| ", "network"]]

    capsys.readouterr()
    assert experiments.main([*common, "--joinings"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in shown] == [f"| {name}" for name in JOININGS]
    cells = {name: line.split(" | ")[2:] for name, line in zip(JOININGS, shown, strict=True)}
    assert cells["network alone"] == lines[3].split(" | ")[2:]


def test_a_page_without_marks_and_a_recipe_without_trees_are_said(data: Path, tmp_path: Path) -> None:
    common = ["--data", str(data), "--folds", str(tmp_path / "folds")]
    page = tmp_path / "page.md"
    page.write_text("nothing here")
    with pytest.raises(SystemExit, match="lacks the marks"):
        experiments.main([str(small(data, 0.4)), *common, "--document", str(page)])
    with pytest.raises(SystemExit, match="ships no trees"):
        experiments.main([str(small(data, 0.0)), *common, "--joinings"])
