"""Judges what networks and trees said of held-out rows: calibration, thresholds and every figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.errors import RecipeError
from zeekml.scoring.calibration import HIGHEST, Calibration, class_shares, log_odds
from zeekml.scoring.trees import pooled
from zeekml.training.calibrate import expected_calibration_error, fit_calibration
from zeekml.training.measure import (
    connection_figures,
    connection_threshold,
    counted,
    host_figures,
    host_peaks,
    host_threshold,
    host_threshold_to_ship,
    threshold_for,
)
from zeekml.training.outoffold import Measured, OutOfFold
from zeekml.training.recipe import Recipe
from zeekml.training.reference import near_shares

Floats = NDArray[np.float64]


#: What is measured alike: what is shipped, the network of it by itself, the trees of the comparison.
SAID = ("model", "network", "trees")


@dataclass(frozen=True, eq=False)
class _Judged:
    """Rows (N) and their log odds (N,) by the name of who said them, with the class (N,) that the model names."""

    rows: pd.DataFrame
    odds: Mapping[str, Floats]
    class_index: NDArray[np.int64]


def judge(measured: Measured, recipe: Recipe) -> tuple[Calibration, dict[str, Any]]:
    """Calibrate on the held-out rows of all seeds, choose thresholds there, and measure the model and its parts alike.

    ``model`` is what is shipped (network, and trees where the recipe ships them), ``network`` the network by itself,
    ``trees`` the trees of the comparison. Each has a calibration and thresholds of its own: of all seeds' rows for the
    figures of ``metrics[name]``, of one seed's for those of ``metrics["seeds"]``, whose spread tells what luck does.
    """
    each = [_judged(found, recipe) for found in measured.seeds]
    every = _Judged(
        pd.concat(
            [one.rows.assign(seed=found.seed) for one, found in zip(each, measured.seeds, strict=True)],
            ignore_index=True,
        ),
        {name: np.concatenate([one.odds[name] for one in each]) for name in SAID},
        np.concatenate([one.class_index for one in each]),
    )
    keep, bad = _counted_and_bad(every.rows)
    odds = every.odds["model"]
    calibration = fit_calibration(odds[keep], bad[keep])
    others, alarms = _by_others(measured, every.rows, odds, recipe)
    metrics: dict[str, Any] = {"folds": recipe.folds, "fold_epochs": list(measured.best_epochs)}
    metrics["calibration_error"] = expected_calibration_error(calibration.score(odds)[keep], bad[keep])
    metrics["calibration_error_other_folds"] = expected_calibration_error(others[keep], bad[keep])
    metrics["threshold_fpr_other_folds"] = float(alarms[keep & ~bad].mean())
    for name in SAID:
        metrics[name], thresholds = _figures(every, name, recipe)
        if name == "model":
            metrics["thresholds"] = thresholds
    metrics["near_threshold"] = near_shares(
        calibration.score(odds[keep]), bad[keep], metrics["thresholds"]["connection"]
    )
    metrics["model"]["classes"] = _class_figures(
        every.rows, np.concatenate([found.logits for found in measured.seeds]), odds, recipe
    )
    metrics["seeds"] = [
        {"seed": found.seed} | {name: _headline(_figures(one, name, recipe)[0]) for name in SAID}
        for found, one in zip(measured.seeds, each, strict=True)
    ]
    return calibration, metrics


def _judged(found: OutOfFold, recipe: Recipe) -> _Judged:
    network = log_odds(found.logits)
    model = network if found.shipped is None else pooled(network, found.shipped, recipe.trees.share)
    said = {"model": model, "network": network, "trees": found.trees}
    return _Judged(found.rows, said, class_shares(found.logits)[0])


def _counted_and_bad(rows: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return counted(rows), (rows["label"] > 0).to_numpy()


def _figures(judged: _Judged, name: str, recipe: Recipe) -> tuple[dict[str, Any], dict[str, float]]:
    """Figures of connections and hosts by the thresholds that these rows give, and the thresholds."""
    rows, part = judged.rows, recipe.verdicts
    keep, bad = _counted_and_bad(rows)
    said = judged.odds[name]
    values = fit_calibration(said[keep], bad[keep]).score(said)
    benign = values[keep & ~bad]
    threshold = connection_threshold(rows, values, part)
    if name == "model" and threshold >= benign.max() >= HIGHEST:
        raise RecipeError(
            f"{part.connection_fpr:g} of the held-out benign connections score as high as can be: no threshold "
            "tells them apart; check the labels, or train longer"
        )
    floor = threshold_for(benign, part.floor_fpr)
    peaks = host_peaks(rows, values, judged.class_index, floor, part)
    host = (host_threshold_to_ship if name == "model" and "seed" in rows else host_threshold)(peaks, part)
    connections = connection_figures(rows, values, threshold)
    clean = rows["capture"][rows["kind"] == "clean"].unique()
    alarms = [
        connections["captures"][capture]["fpr"] for capture in clean if capture in connections["captures"]
    ]
    connections["most_alarms_in_a_clean_network"] = max(alarms, default=None)
    thresholds = {
        "connection": threshold,
        "connection_fpr": part.connection_fpr,
        "host": host,
        "host_fpr": part.host_fpr,
        "floor": floor,
        "floor_fpr": part.floor_fpr,
    }
    return {"connections": connections, "hosts": host_figures(peaks, host, part)}, thresholds


def _headline(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of one seed without those of each capture."""
    connections = {name: value for name, value in figures["connections"].items() if name != "captures"}
    return {"connections": connections, "hosts": figures["hosts"]}


def _by_others(
    measured: Measured, rows: pd.DataFrame, odds: Floats, recipe: Recipe
) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores (N,) and alarms (N,) by a calibration and a threshold that know none of a fold's groups, of no seed.

    So it goes with captures that are new.
    """
    keep, bad = _counted_and_bad(rows)
    group = rows["group"].to_numpy()
    fold = np.concatenate([found.fold for found in measured.seeds])
    seed = np.repeat(np.arange(len(measured.seeds)), [len(found.rows) for found in measured.seeds])
    score, alarms = np.empty(len(odds)), np.zeros(len(odds), dtype=bool)
    for place in range(len(measured.seeds)):
        for number in np.unique(fold):
            mine = (seed == place) & (fold == number)
            known = keep & ~np.isin(group, np.unique(group[mine]))
            calibration = fit_calibration(odds[known], bad[known])
            threshold = connection_threshold(rows[known], calibration.score(odds[known]), recipe.verdicts)
            score[mine] = calibration.score(odds[mine])
            alarms[mine] = score[mine] >= threshold
    return score, alarms


def _class_figures(
    rows: pd.DataFrame, logits: NDArray[np.float32], odds: Floats, recipe: Recipe
) -> dict[str, Any]:
    """Precision, recall and F1 of each class by the most probable class: Benign by the model's log odds (N,)."""
    keep = counted(rows)
    moved = logits.astype(np.float64)
    moved[:, 0] += log_odds(logits) - odds
    truth, said = rows["label"].to_numpy()[keep], moved.argmax(axis=1)[keep]
    figures = {}
    for index, name in enumerate(recipe.class_names):
        right = int(((truth == index) & (said == index)).sum())
        called, real = int((said == index).sum()), int((truth == index).sum())
        figures[name] = {
            "connections": real,
            "precision": right / called if called else None,
            "recall": right / real if real else None,
            "f1": 2 * right / (called + real) if called + real else None,
        }
    return figures
