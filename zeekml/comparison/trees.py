"""Gradient-boosted trees on the same rows and weights: the row of the table that no network of the paper is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.comparison.fit import Counts, class_weights
from zeekml.comparison.tables import Table

_ROUNDS = 400
_PATIENCE = 25


@dataclass(frozen=True, eq=False)
class Trees:
    """Grown trees, the categories they know, and the round they were cut at."""

    booster: Any
    categories: dict[str, list[str]]
    rounds: int

    def predict(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """The most probable class (M,) of each row."""
        found = np.asarray(self.booster.predict(_coded(rows, self.categories), num_iteration=self.rounds))
        return np.asarray(found.argmax(axis=1), dtype=np.int64)


def fit_trees(
    table: Table,
    train: tuple[pd.DataFrame, Counts],
    validation: tuple[pd.DataFrame, Counts],
    class_power: float,
    seed: int,
) -> Trees:
    """Grow trees until the validation's loss has not fallen for some rounds; needs lightgbm, an extra."""
    import lightgbm  # only the comparison and training need it  # noqa: PLC0415

    categories = {name: sorted(train[0][name].astype(str).unique()) for name in table.categories}
    weights = class_weights(train[1], class_power)
    grown, watched = (
        _data_set(lightgbm, rows, counts * weights, categories, table.categories)
        for rows, counts in (train, validation)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        booster = lightgbm.train(
            {
                "objective": "multiclass",
                "num_class": train[1].shape[1],
                "learning_rate": 0.08,
                "num_leaves": 31,
                "min_data_in_leaf": 5,
                "feature_fraction": 0.6,
                "bagging_fraction": 0.8,
                "bagging_freq": 1,
                "lambda_l2": 1.0,
                "seed": seed,
                "deterministic": True,
                "force_row_wise": True,
                "num_threads": 1,
                "verbosity": -1,
            },
            grown,
            num_boost_round=_ROUNDS,
            valid_sets=[watched],
            callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
        )
    return Trees(booster, categories, int(booster.best_iteration or booster.current_iteration()))


def _data_set(
    lightgbm: Any,
    rows: pd.DataFrame,
    weighed: Counts,
    categories: dict[str, list[str]],
    names: tuple[str, ...],
) -> Any:
    """A row for each class that a vector carries, with its weight."""
    at, label = np.nonzero(weighed)
    weight = weighed[at, label]
    return lightgbm.Dataset(
        _coded(rows, categories)[at],
        label,
        weight=weight * (len(weight) / weight.sum()),
        categorical_feature=[list(rows.columns).index(name) for name in names],
        free_raw_data=False,
    )


def _coded(rows: pd.DataFrame, categories: dict[str, list[str]]) -> NDArray[np.float64]:
    """The rows (M, F) as numbers; a category never seen in training is missing."""
    columns = []
    for name in rows.columns:
        if name in categories:
            codes = pd.Index(categories[name]).get_indexer(pd.Index(rows[name].astype(str)))
            columns.append(np.where(codes < 0, np.nan, codes))
        else:
            columns.append(rows[name].to_numpy(np.float64))
    return np.stack(columns, axis=1)
