"""The compiled trees say to the last bit what the plain ones say, but for the order in which leaves are added up."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scoring.test_trees import grown
from zeekml.scoring.kernels.trees import CompiledTrees
from zeekml.scoring.trees import FIELDS, MOST_LEAVES, Trees


@pytest.mark.parametrize("count", [1, 7, 300])
def test_compiled_trees_say_what_plain_ones_say(count: int) -> None:
    rng, features = np.random.default_rng(1), 9
    trees, _ = grown(rng, count, features)
    matrix = rng.normal(size=(3000, features)).astype(np.float32)
    thresholds = trees.nodes[..., 1].ravel()
    equal = rng.random(matrix.shape) < 0.2  # on the very threshold
    matrix[equal] = rng.choice(thresholds, int(equal.sum()))
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    matrix[0], matrix[1] = np.inf, -np.inf
    np.testing.assert_allclose(
        CompiledTrees(trees).log_odds(matrix), trees.log_odds(matrix), rtol=1e-12, atol=1e-12
    )


def test_trees_of_one_leaf_need_no_feature() -> None:
    nodes = np.zeros((2, MOST_LEAVES - 1, FIELDS), dtype=np.float32)
    leaves = np.zeros((2, MOST_LEAVES), dtype=np.float32)
    leaves[:, 0] = 0.25
    found = CompiledTrees(Trees(nodes, leaves)).log_odds(np.zeros((3, 4), dtype=np.float32))
    np.testing.assert_array_equal(found, [0.5, 0.5, 0.5])


def test_columns_of_a_wider_matrix_are_found() -> None:
    rng = np.random.default_rng(2)
    trees, _ = grown(rng, 5)
    wide = rng.normal(size=(50, 200)).astype(np.float32)
    np.testing.assert_allclose(
        CompiledTrees(trees).log_odds(wide[:, :100]),
        trees.log_odds(wide[:, :100].copy()),
        rtol=1e-12,
        atol=1e-12,
    )


def test_a_feature_may_have_more_thresholds_than_a_byte_counts() -> None:
    rng = np.random.default_rng(3)
    trees, _ = grown(rng, 60, 2)
    trees.nodes[..., 1] = rng.normal(size=trees.nodes.shape[:2])
    matrix = rng.normal(size=(1000, 2)).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    assert len(np.unique(trees.nodes[..., 1])) > 600
    np.testing.assert_allclose(
        CompiledTrees(trees).log_odds(matrix), trees.log_odds(matrix), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("rows", [0, 1, 255, 257])
def test_rows_say_the_same_wherever_they_stand(rows: int) -> None:
    rng = np.random.default_rng(4)
    trees, _ = grown(rng, 20)
    matrix, compiled = rng.normal(size=(600, 30)).astype(np.float32), CompiledTrees(trees)
    np.testing.assert_array_equal(compiled.log_odds(matrix[:rows]), compiled.log_odds(matrix)[:rows])
