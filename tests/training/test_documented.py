"""The page about training names every setting of a recipe with its default, and its example is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from zeekml.training import Recipe, load_recipe


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "training.md").read_text(encoding="utf-8")


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its default."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field.default


def shown(default: Any) -> str:
    """A default as the page writes it."""
    if default is PydanticUndefined:
        return "required"
    if default == "1":
        return '"1"'
    if isinstance(default, list):
        return json.dumps(default)
    return str(default) or "empty"


def test_every_setting_is_documented_with_its_default_and_no_other(page: str) -> None:
    table = page[page.index("## The recipe") :]
    rows = re.findall(r"^\| `([a-z_.]+)` \| [^|]+ \| ([^|]+) \|", table, re.MULTILINE)
    assert dict(rows) == {name: shown(default) for name, default in settings(Recipe)}
    assert len(rows) == len(dict(rows))


def test_the_example_is_a_recipe(page: str, tmp_path: Path) -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        path = tmp_path / "recipe.yaml"
        path.write_text(example, encoding="utf-8")
        assert load_recipe(path).name == yaml.safe_load(example)["name"]


def test_every_recipe_that_was_tried_has_its_result(root: Path) -> None:
    page = (root / "docs" / "experiments.md").read_text(encoding="utf-8")
    table = page[page.index("<!-- recipes: begin -->") : page.index("<!-- recipes: end -->")]
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \| model \|", table, re.MULTILINE))
    recipes = {load_recipe(path).name for path in (root / "models" / "recipes").rglob("*.yaml")}
    assert recipes - rows == {"made-taught"}, "of which the page says why it has no row"
    assert rows <= recipes
