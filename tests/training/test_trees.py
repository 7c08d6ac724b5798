"""Boosted trees: they see the features they are given, and teach by the mean of what they say."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.training.data import capture, host_rows, recipe_file
from zeekml.features import LAYOUT
from zeekml.training import load_recipe
from zeekml.training.samples import Material, Sequences
from zeekml.training.trees import as_arrays, fit_shipped_trees, fit_trees, grounds, teacher_of

BOT = "192.168.1.66"


def material(folder: Path, **fit: object) -> Material:
    recipe = load_recipe(recipe_file(folder, lambda r: r["fit"].update(fit)))
    scan = host_rows(BOT, list(range(200)), id_resp_p=23, conn_state="S0", resp_pkts=0.0, duration=None)
    clean = host_rows("10.0.0.1", list(range(0, 6000, 20)))
    captures = [capture("bot", scan, [1] * 200, infected=(BOT,)), capture("net", clean, clean=True)]
    return Material(captures, recipe)


def test_trees_tell_what_is_easy_and_do_without_features(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path))
    data = material(tmp_path)
    rows = data.epoch(np.random.default_rng(5))
    all_of_them = fit_trees(grounds(data, recipe, 1), recipe, 1)
    fewer = fit_trees(grounds(data, recipe, 1), recipe, 1, without=["pair_*", "port_telnet"])
    assert all_of_them.used.all()
    missing = {name for name, used in zip(LAYOUT.names, fewer.used, strict=True) if not used}
    assert missing == {name for name in LAYOUT.names if name.startswith("pair_") or name == "port_telnet"}
    odds = all_of_them.log_odds(rows.features)
    assert odds[rows.labels == 1].min() > odds[rows.labels == 0].max()


def test_a_teacher_is_the_mean_of_its_trees(tmp_path: Path) -> None:
    data = material(tmp_path)
    rows = data.epoch(np.random.default_rng(5)).features
    plain = load_recipe(recipe_file(tmp_path))
    trees = fit_trees(grounds(data, plain, 1), plain, 1)
    assert teacher_of(trees, grounds(data, plain, 1), plain, 1) is None

    one = load_recipe(recipe_file(tmp_path, lambda r: r["fit"].update(taught=0.5)))
    teacher = teacher_of(trees, grounds(data, one, 1), one, 1)
    assert teacher is not None
    np.testing.assert_array_equal(teacher(rows), trees.log_odds(rows))

    two = load_recipe(recipe_file(tmp_path, lambda r: r["fit"].update(taught=0.5, taught_without=["pair_*"])))
    teacher = teacher_of(trees, grounds(data, two, 1), two, 1)
    assert teacher is not None
    other = fit_trees(grounds(data, two, 1), two, 1, ["pair_*"])
    np.testing.assert_allclose(
        teacher(rows), (trees.log_odds(rows) + other.log_odds(rows)) / 2, rtol=1e-5, atol=1e-5
    )


def test_servers_die_for_the_network_and_not_for_the_trees(tmp_path: Path) -> None:
    def varied(recipe: dict[str, Any], trees: dict[str, Any]) -> None:
        recipe["overlays"] = {"alone": 1.0}
        recipe["variation"] = {"pace": 0.0, "ports": 0.0, "dead": 1.0}
        recipe["trees"] = trees

    same, other = (
        load_recipe(recipe_file(tmp_path, partial(varied, trees=trees))) for trees in ({}, {"dead": 0.0})
    )
    calls = host_rows(BOT, list(range(50)), conn_state="SF", resp_pkts=3.0)
    clean = capture("net", host_rows("10.0.0.1", list(range(0, 6000, 20))), clean=True)
    data = Material([capture("bot", calls, [1] * 50, infected=(BOT,)), clean], other)
    succeeded = LAYOUT.names.index("state_SF")

    def failures(epoch: Sequences) -> int:
        return int((epoch.features[epoch.labels == 1, succeeded] == 0).sum())

    assert failures(data.epoch(np.random.default_rng(0))) > 0
    assert sum(map(failures, grounds(data, same, 0))) > 0
    assert sum(map(failures, grounds(data, other, 0))) == 0


def test_trees_as_arrays_say_the_same(tmp_path: Path) -> None:
    recipe = load_recipe(
        recipe_file(tmp_path, lambda r: r.update(trees={"share": 0.5, "count": 12, "leaves": 8}))
    )
    data = material(tmp_path)
    rows = data.epoch(np.random.default_rng(5)).features
    rows[::3, :12] = np.nan
    trees = fit_shipped_trees(grounds(data, recipe, 1), recipe, 1)
    arrays = as_arrays(trees)
    assert arrays.leaves.shape == (12, 16)
    np.testing.assert_allclose(arrays.log_odds(rows), trees.log_odds(rows), atol=1e-4)
