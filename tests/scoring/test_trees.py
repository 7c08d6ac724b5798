"""Trees as arrays: they say what walking each tree would, for missing values too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Floats, matrix_of, random_log, tiny_bundle
from zeekml.errors import BundleError
from zeekml.features import LAYOUT
from zeekml.scoring import Scorer, load_bundle
from zeekml.scoring.trees import FIELDS, MOST_LEAVES, Trees, pooled

FEATURES = 5


def grown(rng: np.random.Generator, count: int, features: int = FEATURES) -> tuple[Trees, list[object]]:
    """Random trees, and the same as nested tuples: feature, threshold, missing goes left, left, right."""
    nodes = np.zeros((count, MOST_LEAVES - 1, FIELDS), dtype=np.float32)
    leaves = np.zeros((count, MOST_LEAVES), dtype=np.float32)
    nested: list[object] = []
    for tree in range(count):
        tests: list[tuple[float, ...]] = []
        values: list[float] = []
        nested.append(_branch(rng, int(rng.integers(1, MOST_LEAVES + 1)), features, tests, values))
        leaves[tree, : len(values)] = values
        nodes[tree, : len(tests)] = np.array(tests, dtype=np.float32).reshape(-1, FIELDS)
    return Trees(nodes, leaves), nested


def _branch(
    rng: np.random.Generator,
    leaves: int,
    features: int,
    tests: list[tuple[float, ...]],
    values: list[float],
) -> object:
    if leaves == 1:
        values.append(float(np.float32(rng.normal())))
        return values[-1]
    feature, threshold, missing = int(rng.integers(features)), float(rng.integers(-2, 3)), rng.random() < 0.5
    cut, first = int(rng.integers(1, leaves)), len(values)
    left = _branch(rng, cut, features, tests, values)
    tests.append((feature, threshold, first, len(values), float(missing)))
    right = _branch(rng, leaves - cut, features, tests, values)
    return feature, threshold, missing, left, right


def walked(tree: object, row: Floats) -> float:
    while isinstance(tree, tuple):
        feature, threshold, missing, left, right = tree
        value = row[feature]
        tree = left if (missing if np.isnan(value) else value <= threshold) else right
    assert isinstance(tree, float)
    return tree


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6), rows=st.integers(0, 40))
def test_they_say_what_walking_says(seed: int, count: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    trees, nested = grown(rng, count)
    matrix = rng.integers(-3, 4, (rows, FEATURES)).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    expected = [sum(walked(tree, row) for tree in nested) for row in matrix]
    np.testing.assert_allclose(trees.log_odds(matrix), expected, atol=1e-5)


def test_many_rows_are_taken_in_pieces() -> None:
    trees, _ = grown(np.random.default_rng(0), 20)
    matrix = np.random.default_rng(1).normal(size=(3000, FEATURES)).astype(np.float32)
    one_by_one = np.concatenate([trees.log_odds(matrix[i : i + 1]) for i in range(0, 3000, 100)])
    np.testing.assert_array_equal(trees.log_odds(matrix)[::100], one_by_one)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_odds_of_both_together_are_their_geometric_mean_by_share(share: float) -> None:
    rng = np.random.default_rng(0)
    network, trees = rng.normal(0, 3, 50), rng.normal(0, 3, 50)
    odds = np.exp(trees) ** share * np.exp(network) ** (1 - share)
    np.testing.assert_allclose(pooled(network, trees, share), np.log(odds), atol=1e-9)


def with_trees(folder: Path, nodes: Floats, leaves: Floats, share: float = 0.5) -> Path:
    return tiny_bundle(
        folder / "tiny",
        change=lambda m: m.update(trees={"count": len(leaves), "share": share}),
        arrays={"trees.nodes": nodes, "trees.leaves": leaves},
    )


def test_a_bundle_with_trees_scores_by_both(tmp_path: Path) -> None:
    trees, _ = grown(np.random.default_rng(0), 7, len(LAYOUT.features))
    frame = random_log(0, 60)
    plain = load_bundle(tiny_bundle(tmp_path / "plain"))
    bundle = load_bundle(with_trees(tmp_path, trees.nodes, trees.leaves, 1.0))
    expected = bundle.calibration.score(trees.log_odds(matrix_of(frame)))
    np.testing.assert_allclose(Scorer(bundle).score(frame, "a").score, expected, atol=1e-5)
    assert not np.allclose(Scorer(plain).score(frame, "a").score, expected, atol=1e-3)


def test_scores_with_trees_do_not_depend_on_how_a_log_is_cut(tmp_path: Path) -> None:
    trees, _ = grown(np.random.default_rng(0), 7, len(LAYOUT.features))
    bundle = load_bundle(with_trees(tmp_path, trees.nodes, trees.leaves))
    frame = random_log(1, 90)
    whole = Scorer(bundle).score(frame, "a").score
    scorer = Scorer(bundle)
    parts = [
        scorer.score(frame.iloc[at : at + 25].reset_index(drop=True), "a").score for at in (0, 25, 50, 75)
    ]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (0, len(LAYOUT.features), "the feature of a node"),
        (0, -1, "the feature of a node"),
        (0, 0.5, "the feature of a node"),
        (2, 9, "the leaves left of a node"),
        (3, MOST_LEAVES, "the leaves left of a node"),
        (4, 2, "the way of a missing value"),
    ],
)
def test_a_node_that_cannot_be_is_refused(tmp_path: Path, field: int, value: float, words: str) -> None:
    trees, _ = grown(np.random.default_rng(3), 2, len(LAYOUT.features))
    nodes = trees.nodes.copy()
    nodes[1, 0] = (0, 0, 1, 2, 0)
    nodes[1, 0, field] = value
    with pytest.raises(BundleError, match=words):
        load_bundle(with_trees(tmp_path, nodes, trees.leaves))


def test_trees_that_the_manifest_does_not_name_are_refused(tmp_path: Path) -> None:
    trees, _ = grown(np.random.default_rng(3), 2, len(LAYOUT.features))
    folder = tiny_bundle(tmp_path / "tiny", arrays={"trees.nodes": trees.nodes})
    with pytest.raises(BundleError, match=r"trees\.nodes: no such array"):
        load_bundle(folder)


def test_trees_that_are_missing_are_named(tmp_path: Path) -> None:
    folder = tiny_bundle(tmp_path / "tiny", change=lambda m: m.update(trees={"count": 2, "share": 0.5}))
    with pytest.raises(BundleError, match=r"trees\.nodes: found nothing"):
        load_bundle(folder)
