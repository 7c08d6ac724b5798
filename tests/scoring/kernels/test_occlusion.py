"""Features taken back group by group: as if they were replaced and the trees walked anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scoring.test_trees import grown
from zeekml.scoring.occlusion import Occlusion
from zeekml.scoring.trees import FIELDS, MOST_LEAVES, Trees

FEATURES, GROUPS = 9, 4


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 60]))
def test_as_if_replaced_and_walked_anew(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    trees, _ = grown(rng, count, FEATURES)
    matrix = rng.normal(size=(40, FEATURES)).astype(np.float32)
    equal = rng.random(matrix.shape) < 0.2  # on the very threshold
    matrix[equal] = rng.choice(trees.nodes[..., 1].ravel(), int(equal.sum()))
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    matrix[0], matrix[1] = np.inf, -np.inf
    typical = rng.normal(size=FEATURES).astype(np.float32)
    typical[rng.random(FEATURES) < 0.2] = np.nan
    groups = rng.integers(-1, GROUPS, FEATURES)
    without, whole = Occlusion(trees, groups, GROUPS, typical).log_odds(matrix)
    np.testing.assert_allclose(whole, trees.log_odds(matrix), rtol=1e-12, atol=1e-12)
    for group in range(GROUPS):
        changed = matrix.copy()
        changed[:, groups == group] = typical[groups == group]
        np.testing.assert_allclose(without[:, group], trees.log_odds(changed), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [0, 3])
def test_trees_of_one_leaf_need_no_feature(rows: int) -> None:
    nodes = np.zeros((2, MOST_LEAVES - 1, FIELDS), dtype=np.float32)
    leaves = np.zeros((2, MOST_LEAVES), dtype=np.float32)
    leaves[:, 0] = 0.25
    groups, typical = np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.float32)
    without, whole = Occlusion(Trees(nodes, leaves), groups, 1, typical).log_odds(
        np.zeros((rows, 4), np.float32)
    )
    assert without.tolist() == [[0.5]] * rows
    assert whole.tolist() == [0.5] * rows


def test_no_trees_say_nothing() -> None:
    none = Trees(np.zeros((0, MOST_LEAVES - 1, FIELDS), np.float32), np.zeros((0, MOST_LEAVES), np.float32))
    without, whole = Occlusion(none, np.zeros(4, np.int64), 2, np.zeros(4, np.float32)).log_odds(
        np.zeros((3, 4), np.float32)
    )
    assert without.tolist() == [[0, 0]] * 3
    assert whole.tolist() == [0] * 3
