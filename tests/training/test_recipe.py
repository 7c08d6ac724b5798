"""Recipes: what they hold, the classes they map to, and what is said of wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.data import recipe_file
from zeekml.errors import RecipeError
from zeekml.training import Recipe, load_recipe


def test_a_recipe_is_read(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path))
    assert (recipe.name, recipe.seed, recipe.folds) == ("made", 3, 3)
    assert recipe.network.width == 8
    assert recipe.fit.epochs == 2
    assert recipe.verdicts.connection_fpr == 1e-3


def test_benign_comes_first_and_context_words_are_no_classes(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path))
    assert recipe.class_names == ("Benign", "PortScan", "C&C")


@pytest.mark.parametrize(
    ("label", "detailed", "expected"),
    [
        ("Benign", "-", "Benign"),
        ("Malicious", "PortScan", "PortScan"),
        ("Malicious", "C&C", "C&C"),
        ("Malicious", "Attack", "Unknown"),
        ("Background", "-", None),
    ],
)
def test_the_first_pattern_that_fits_names_the_class(
    tmp_path: Path, label: str, detailed: str, expected: str | None
) -> None:
    assert load_recipe(recipe_file(tmp_path)).class_of(label, detailed) == expected


def test_patterns_mind_capitals(tmp_path: Path) -> None:
    assert load_recipe(recipe_file(tmp_path)).class_of("benign", "-") is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: r.pop("name"), "name: Field required"),
        (lambda r: r.update(name="Has Spaces"), "name"),
        (lambda r: r.update(name="../evil"), "name"),
        (lambda r: r["data"].pop("groups"), "data.groups: Field required"),
        (lambda r: r.update(epochs=3), "epochs: Extra inputs are not permitted, found 3"),
        (lambda r: r["fit"].update(epoch=3), "fit.epoch"),
        (
            lambda r: r["fit"].update(epochs=0),
            "fit.epochs: Input should be greater than or equal to 1, found 0",
        ),
        (lambda r: r["network"].update(name="Transformer"), "network.name"),
        (lambda r: r["network"].update(layout="sideways"), "network.layout"),
        (lambda r: r["overlays"].update(alone=1.5), "overlays.alone"),
        (lambda r: r.update(threads="many"), "threads"),
        (lambda r: r.update(classes={"Benign/*": "Benign"}), "at least one for another class"),
        (lambda r: r.update(classes={"M/*": "PortScan"}), "a pattern for Benign"),
        (lambda r: r.update(classes={"B/*": "Benign", "M/*": "Unknown"}), "at least one for another class"),
    ],
)
def test_a_wrong_recipe_names_the_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    path = recipe_file(tmp_path, change)
    with pytest.raises(RecipeError) as refused:
        load_recipe(path)
    assert str(path) in str(refused.value)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name: [", "not valid YAML"),
        (b"\xff\xfe", "not valid YAML"),
        (b"- a\n", "expected a mapping of settings, found list"),
        (b"", "found NoneType"),
        (b"!!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=expected):
        load_recipe(path)


def test_a_recipe_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path / "nope.yaml")


def test_committed_recipes_are_right(root: Path) -> None:
    for path in (root / "models" / "recipes").rglob("*.yaml"):
        assert isinstance(load_recipe(path), Recipe)
        assert load_recipe(path).name == path.stem
