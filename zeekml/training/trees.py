"""Gradient-boosted trees on the same features and rows: the baseline that a network has to beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zeekml.features import Block
from zeekml.training.fit import used_features
from zeekml.training.recipe import Recipe
from zeekml.training.samples import Material, row_weights

#: Epochs of overlays that the trees are grown on.
_DRAWS = 2


def fit_trees(material: Material, recipe: Recipe, seed: int) -> Callable[[Block], NDArray[np.float32]]:
    """Grow trees; returns what gives the probability of not Benign (N, 1) for a block."""
    import lightgbm  # an extra: training is the only thing that needs it  # noqa: PLC0415

    epochs = [material.epoch(np.random.default_rng([seed, draw])) for draw in range(_DRAWS)]
    features = np.concatenate([epoch.features for epoch in epochs])
    labels = np.concatenate([epoch.labels for epoch in epochs])
    weights = np.concatenate([row_weights(epoch, recipe.fit) for epoch in epochs])
    keep = weights > 0
    used = used_features(recipe)
    booster = lightgbm.train(
        {
            "objective": "binary",
            "learning_rate": 0.05,
            "num_leaves": 31,
            "min_data_in_leaf": 50,
            "feature_fraction": 0.5,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "seed": seed,
            "deterministic": True,
            "num_threads": recipe.threads,
            "verbosity": -1,
        },
        lightgbm.Dataset(
            features[keep][:, used], (labels[keep] > 0).astype(np.float64), weight=weights[keep]
        ),
        num_boost_round=300,
    )
    return lambda block: np.asarray(booster.predict(block.matrix[:, used]), dtype=np.float32)[:, None]
