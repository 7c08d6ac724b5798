"""Gradient-boosted trees on the same features and rows: the baseline to beat, and teachers of the network.

Trees judge each row by itself and generalise over the made hosts better than a network that carries state; taught by
them, the network keeps what it makes of a sequence and costs no more in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeekml.features import Block
from zeekml.scoring.trees import FIELDS, MOST_LEAVES
from zeekml.scoring.trees import Trees as ScoredTrees
from zeekml.training.fit import Teacher, used_features
from zeekml.training.recipe import Recipe
from zeekml.training.samples import Floats, Material, Sequences, mask_columns, row_weights


@dataclass(frozen=True, eq=False)
class Trees:
    """Grown trees and the features (F,) that they see."""

    booster: Any
    used: NDArray[np.bool_]

    def log_odds(self, features: Floats) -> Floats:
        """Log odds (N,) of not Benign for features (N, F)."""
        return np.asarray(self.booster.predict(features[:, self.used], raw_score=True), dtype=np.float32)

    def predict(self, block: Block) -> Floats:
        """The same for a block, (N, 1) in log order."""
        return self.log_odds(block.matrix)[:, None]


def as_arrays(grown: Trees) -> ScoredTrees:
    """The same trees as the arrays that a bundle holds, and that score alike.

    lightgbm gives thresholds with ten digits: a value that equals one but for float32's last bit may change sides.
    """
    roots = [tree["tree_structure"] for tree in grown.booster.dump_model()["tree_info"]]
    feature = np.flatnonzero(grown.used)
    nodes = np.zeros((len(roots), MOST_LEAVES - 1, FIELDS), dtype=np.float32)
    leaves = np.zeros((len(roots), MOST_LEAVES), dtype=np.float32)
    for tree, root in enumerate(roots):
        values: list[float] = []
        tests: list[tuple[float, ...]] = []
        _flatten(root, feature, values, tests)
        leaves[tree, : len(values)] = values
        nodes[tree, : len(tests)] = np.array(tests, dtype=np.float32).reshape(-1, FIELDS)
    return ScoredTrees(nodes, leaves)


def _flatten(
    node: dict[str, Any], feature: NDArray[np.int64], values: list[float], tests: list[tuple[float, ...]]
) -> None:
    """Append the leaves below a node from left to right, and the tests."""
    if "leaf_value" in node:
        values.append(float(node["leaf_value"]))
        return
    first = len(values)
    _flatten(node["left_child"], feature, values, tests)
    stop = len(values)
    most = float(np.finfo(np.float32).max)  # beyond it lies a test that only a missing value fails or passes
    exact = min(float(node["threshold"]), most)
    threshold = np.float32(exact)
    if float(threshold) > exact:  # rounded up: a value between the two would change sides
        threshold = np.nextafter(threshold, np.float32(-np.inf))
    # Where training never saw a value missing, lightgbm reads a missing one as 0.
    missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    tests.append((float(feature[node["split_feature"]]), float(threshold), first, stop, float(missing_left)))
    _flatten(node["right_child"], feature, values, tests)


def grounds(material: Material, recipe: Recipe, seed: int) -> list[Sequences]:
    """The epochs of overlays that trees are grown on, the baseline's and the shipped ones alike."""
    variation = recipe.variation_for_trees
    return [
        material.epoch(np.random.default_rng([seed, draw]), variation) for draw in range(recipe.trees.draws)
    ]


def fit_trees(ground: Sequence[Sequences], recipe: Recipe, seed: int, without: Sequence[str] = ()) -> Trees:
    """Grow the baseline's trees, on the features that the recipe lets through but for the patterns ``without``."""
    features = [epoch.features for epoch in ground]
    parameters = {"learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 50, "feature_fraction": 0.5}
    return _grown(ground, features, recipe, seed, without, parameters, 300)


def fit_shipped_trees(ground: Sequence[Sequences], recipe: Recipe, seed: int) -> Trees:
    """Grow the trees that judge beside the network: fewer and smaller, so that scoring stays fast.

    As the network does, they learn from sequences with columns taken away, so that both formats are judged alike.
    """
    part = recipe.trees
    features = [
        mask_columns(epoch, part.mask, part.feature_dropout, np.random.default_rng([seed, draw, 1]))
        for draw, epoch in enumerate(ground)
    ]
    parameters = {
        "learning_rate": part.rate,
        "num_leaves": part.leaves,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.3,
    }
    return _grown(ground, features, recipe, seed, part.without, parameters, part.count)


def _grown(
    ground: Sequence[Sequences],
    features: Sequence[Floats],
    recipe: Recipe,
    seed: int,
    without: Sequence[str],
    parameters: dict[str, Any],
    rounds: int,
) -> Trees:
    import lightgbm  # an extra: training is the only thing that needs it  # noqa: PLC0415

    labels = np.concatenate([epoch.labels for epoch in ground])
    weights = np.concatenate([row_weights(epoch, recipe.fit) for epoch in ground])
    keep = weights > 0
    used = used_features(recipe, without)
    booster = lightgbm.train(
        {
            "objective": "binary",
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "seed": seed,
            "deterministic": True,
            "num_threads": recipe.threads,
            "verbosity": -1,
            **parameters,
        },
        lightgbm.Dataset(
            np.concatenate(features)[keep][:, used],
            (labels[keep] > 0).astype(np.float64),
            weight=weights[keep],
        ),
        num_boost_round=rounds,
    )
    return Trees(booster, used)


def teacher_of(trees: Trees, ground: Sequence[Sequences], recipe: Recipe, seed: int) -> Teacher | None:
    """What the network is taught by: these trees and, with ``taught_without``, others that lack those features.

    None where the recipe has no teaching. The mean of two that see different features is surer of what they agree on.
    """
    if not recipe.fit.taught:
        return None
    every = [trees]
    if recipe.fit.taught_without:
        every.append(fit_trees(ground, recipe, seed, recipe.fit.taught_without))
    return _mean(every)


def _mean(every: Sequence[Trees]) -> Callable[[Floats], Floats]:
    def log_odds(features: Floats) -> Floats:
        return np.asarray(np.mean([trees.log_odds(features) for trees in every], axis=0), dtype=np.float32)

    return log_odds
