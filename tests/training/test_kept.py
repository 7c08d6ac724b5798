"""Finished folds are taken again as they were, unless something that they came from has changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.training.data import recipe_file, write_captures
from tests.training.test_train import Notes
from zeekml.errors import OutputError
from zeekml.scoring.bundle import MANIFEST, METRICS, WEIGHTS
from zeekml.training import load_recipe
from zeekml.training.captures import Capture, load_captures
from zeekml.training.job import train
from zeekml.training.kept import _SOURCES, Kept
from zeekml.training.said import Said, Task

NETWORK, TREES = Task(3, 1, "network", 6), Task(3, 1, "trees")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captures(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def captures(data: Path) -> list[Capture]:
    return load_captures(load_recipe(recipe_file(data)), data)


def said(task: Task, shipped: bool = True) -> Said:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(3, 2)).astype(np.float32)
    if task.part == "trees":
        return Said(trees=odds[:, 0], shipped=odds[:, 1] if shipped else None)
    rows = pd.DataFrame(
        {
            "capture": ["a", "b", "b"],
            "group": ["x", "y", "y"],
            "host": ["10.0.0.1", "10.0.0.2", "10.0.0.2"],
            "local": [True, False, True],
            "kind": ["clean", "bot", "bot"],
            "label": [0, 1, -1],
            "of_bot": [False, True, True],
            "event_time": [1.5, 2.5, 1e9],
        }
    )
    return Said(rows=rows, logits=rng.normal(size=(3, 4)).astype(np.float32))


@pytest.mark.parametrize(("task", "shipped"), [(NETWORK, False), (TREES, True), (TREES, False)])
def test_what_is_kept_comes_back_exactly(
    task: Task, shipped: bool, data: Path, captures: list[Capture], tmp_path: Path
) -> None:
    kept = Kept(tmp_path / "new" / "folds", load_recipe(recipe_file(data)), captures)
    assert kept.finished(task) is None
    given = said(task, shipped)
    kept.keep(task, given)
    found = kept.finished(task)
    assert found is not None
    assert (found.rows is None) == (given.rows is None)
    if found.rows is not None and given.rows is not None:
        pd.testing.assert_frame_equal(found.rows, given.rows, check_dtype=False)
    for name in ("logits", "trees", "shipped"):
        one, other = getattr(found, name), getattr(given, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    assert kept.finished(replace(task, fold=2)) is None


def test_the_epoch_that_was_found_is_kept(data: Path, captures: list[Capture], tmp_path: Path) -> None:
    kept = Kept(tmp_path, load_recipe(recipe_file(data)), captures)
    kept.keep(Task(3, 0, "epoch"), Said(best_epoch=9))
    found = kept.finished(Task(3, 0, "epoch"))
    assert found is not None
    assert (found.best_epoch, found.rows, found.logits) == (9, None, None)


@pytest.mark.parametrize(
    ("change", "network", "trees"),
    [
        (lambda r: r.update(version="9", description="new"), True, True),
        (lambda r: r.update(verdicts={"connection_fpr": 0.01}), True, True),
        (lambda r: r.update(trees={"share": 0.7}), True, True),
        (lambda r: r.update(trees={"share": 0.0}), True, False),
        (lambda r: r.update(trees={"share": 0.5, "count": 7}), True, False),
        (lambda r: r.update(variation={"dead": 0.3}), False, False),
        (lambda r: r.update(variation={"dead": 0.3}, trees={"share": 0.5, "dead": 0.0}), False, True),
        (lambda r: r.update(trees={"share": 0.5, "dead": 0.3}), True, False),
        (lambda r: r["fit"].update(rate=0.5), False, True),
        (lambda r: r["fit"].update(taught=0.5), False, True),
        (lambda r: r["fit"].update(malicious_share=0.3), False, False),
        (lambda r: r["network"].update(without=["pair_*"]), False, True),
        (lambda r: r["network"].update(features=["host_*"]), False, False),
        (lambda r: r.update(made={"draws": 1}), False, False),
        (lambda r: r["fit"].update(patience=9, tolerance=0.5), True, True),
        (lambda r: r["fit"].update(suspects=0.5), False, False),
        (lambda r: r.update(seed=4), True, True),
    ],
)
def test_only_what_decides_a_part_of_a_fold_makes_it_another(
    change: Callable[[dict[str, Any]], object],
    network: bool,
    trees: bool,
    data: Path,
    captures: list[Capture],
    tmp_path: Path,
) -> None:
    def ships(recipe: dict[str, Any]) -> None:
        recipe["trees"] = {"share": 0.5}

    kept = Kept(tmp_path, load_recipe(recipe_file(data, ships)), captures)
    for task in (NETWORK, TREES):
        kept.keep(task, said(task))

    def changed(recipe: dict[str, Any]) -> None:
        ships(recipe)
        change(recipe)

    other = Kept(tmp_path, load_recipe(recipe_file(data, changed)), captures)
    assert [other.finished(task) is not None for task in (NETWORK, TREES)] == [network, trees]


def test_a_network_that_trees_teach_depends_on_them(
    data: Path, captures: list[Capture], tmp_path: Path
) -> None:
    def taught(recipe: dict[str, Any], trees: dict[str, Any]) -> None:
        recipe["fit"].update(taught=0.5)
        recipe["trees"] = trees

    few, many, dead = (
        Kept(tmp_path, load_recipe(recipe_file(data, partial(taught, trees=trees))), captures)
        for trees in ({"draws": 1}, {"draws": 2}, {"draws": 1, "dead": 0.3})
    )
    few.keep(NETWORK, said(NETWORK))
    assert few.finished(NETWORK) is not None
    assert many.finished(NETWORK) is None
    assert dead.finished(NETWORK) is None


def test_other_labels_make_another_fold(data: Path, captures: list[Capture], tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(data))
    Kept(tmp_path, recipe, captures).keep(NETWORK, said(NETWORK))
    first = captures[0]
    labels = first.labels.copy()
    labels[0] = 1 - labels[0]
    relabelled = Capture(
        first.name, first.group, first.frame, labels, first.infected, first.clean, path=first.path
    )
    assert Kept(tmp_path, recipe, [relabelled, *captures[1:]]).finished(NETWORK) is None


def test_a_broken_file_is_worked_out_again_and_an_unreadable_place_is_an_error(
    data: Path, captures: list[Capture], tmp_path: Path
) -> None:
    kept = Kept(tmp_path, load_recipe(recipe_file(data)), captures)
    kept.keep(NETWORK, said(NETWORK))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert kept.finished(NETWORK) is None
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match=r"cannot be read.*--folds"):
        kept.finished(NETWORK)


def test_a_second_run_takes_the_folds_of_the_first_and_gives_the_same_bundle(
    data: Path, tmp_path: Path
) -> None:
    def small(recipe: dict[str, Any]) -> None:
        recipe["fit"].update(epochs=2, patience=0)
        recipe["trees"] = {"share": 0.4, "count": 3, "leaves": 4}

    recipe, notes = recipe_file(data, small), [Notes(), Notes()]
    one, two = (
        train(recipe, data, tmp_path / str(place), watcher, processes=1 + place, folds=tmp_path / "folds")
        for place, watcher in enumerate(notes)
    )
    stages = [[stage for stage, _ in each.stages if stage.startswith("fold ")] for each in notes]
    assert stages[0]
    assert not stages[1]
    for name in (MANIFEST, WEIGHTS, METRICS):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_every_module_that_the_work_imports_is_in_the_key(root: Path) -> None:
    """What the tasks' module brings of the package, but for what only names, tells or ends a run."""
    told = {"errors", "extras", "processes", "resources", "loading"}
    told |= {f"training.{name}" for name in ("kept", "said", "watcher")}
    package = root / "zeekml"

    def key_holds(module: str) -> bool:
        place = module.replace(".", "/")
        return any(
            place == source.removesuffix(".py") or f"{place}/".startswith(f"{source}/") for source in _SOURCES
        )

    seen, left = set(), ["training.outoffold"]
    while left:
        module = left.pop()
        path = package / f"{module.replace('.', '/')}.py"
        if module in seen or not path.exists():
            continue
        seen.add(module)
        if module not in told:
            found = re.findall(
                r"^from zeekml\.([\w.]+) import", path.read_text(encoding="utf-8"), re.MULTILINE
            )
            left += [name for name in found if name.startswith("training") or "." not in name]
            assert key_holds(module), module
