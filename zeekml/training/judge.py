"""Judges what networks and trees said of held-out rows: calibration, thresholds and every figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.errors import RecipeError
from zeekml.scoring.calibration import HIGHEST, Calibration, class_shares, log_odds
from zeekml.scoring.trees import blended
from zeekml.training.calibrate import expected_calibration_error, fit_calibration
from zeekml.training.measure import (
    connection_figures,
    counted,
    host_figures,
    host_peaks,
    host_threshold,
    threshold_for,
)
from zeekml.training.recipe import Recipe

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """All held-out rows (N), the fold of each, and what those said that were trained without it.

    ``logits`` (N, K) are the networks', ``trees`` (N,) the log odds of the trees of the comparison, ``shipped`` (N,)
    those of the trees that would be shipped with the network, if the recipe ships any.
    """

    rows: pd.DataFrame
    fold: NDArray[np.int64]
    logits: NDArray[np.float32]
    trees: Floats
    shipped: Floats | None
    best_epochs: tuple[int, ...]
    epochs: int


def judge(held_out: OutOfFold, recipe: Recipe) -> tuple[Calibration, dict[str, Any]]:
    """Calibrate on the pooled held-out rows, choose thresholds there, and measure what is shipped and its parts alike.

    ``model`` is what is shipped (network, and trees where the recipe ships them), ``network`` the network by itself,
    ``trees`` the trees of the comparison; each has a calibration and thresholds of its own.
    """
    rows, part = held_out.rows, recipe.verdicts
    keep, bad = counted(rows), (rows["label"] > 0).to_numpy()
    logits = held_out.logits
    if held_out.shipped is not None:
        logits = blended(logits, held_out.shipped, recipe.trees.share)
    odds = log_odds(logits)
    calibration = fit_calibration(odds[keep], bad[keep])
    class_index = class_shares(logits)[0]
    metrics: dict[str, Any] = {"folds": recipe.folds, "fold_epochs": list(held_out.best_epochs)}
    metrics["calibration_error"] = expected_calibration_error(calibration.score(odds)[keep], bad[keep])
    metrics["calibration_error_other_folds"] = expected_calibration_error(
        _calibrated_by_others(held_out, odds)[keep], bad[keep]
    )
    each = {"model": odds, "network": log_odds(held_out.logits), "trees": held_out.trees}
    for name, said in each.items():
        values = fit_calibration(said[keep], bad[keep]).score(said)
        benign = values[keep & ~bad]
        threshold = threshold_for(benign, part.connection_fpr)
        if name == "model" and threshold >= benign.max() >= HIGHEST:
            raise RecipeError(
                f"{part.connection_fpr:g} of the held-out benign connections score as high as can be: no threshold "
                "tells them apart; check the labels, or train longer"
            )
        floor = threshold_for(benign, part.floor_fpr)
        peaks = host_peaks(rows, values, class_index, floor, part)
        host = host_threshold(peaks, part)
        metrics[name] = {
            "connections": connection_figures(rows, values, threshold),
            "hosts": host_figures(peaks, host, part),
        }
        figures = metrics[name]["connections"]
        clean = rows["capture"][rows["kind"] == "clean"].unique()
        alarms = [figures["captures"][capture]["fpr"] for capture in clean if capture in figures["captures"]]
        figures["most_alarms_in_a_clean_network"] = max(alarms, default=None)
        if name == "model":
            metrics["thresholds"] = {
                "connection": threshold, "connection_fpr": part.connection_fpr, "host": host, "host_fpr": part.host_fpr,
                "floor": floor, "floor_fpr": part.floor_fpr,
            }  # fmt: skip
    metrics["model"]["classes"] = _class_figures(rows, logits, recipe)
    return calibration, metrics


def _calibrated_by_others(held_out: OutOfFold, odds: Floats) -> Floats:
    """Scores of each fold by a calibration that was fitted to the other folds: what one of new captures comes to."""
    keep, bad = counted(held_out.rows), (held_out.rows["label"] > 0).to_numpy()
    score = np.empty(len(odds))
    for fold in np.unique(held_out.fold):
        mine = held_out.fold == fold
        score[mine] = fit_calibration(odds[keep & ~mine], bad[keep & ~mine]).score(odds[mine])
    return score


def _class_figures(rows: pd.DataFrame, logits: NDArray[np.float32], recipe: Recipe) -> dict[str, Any]:
    """Precision, recall and F1 of each class by the most probable class."""
    keep = counted(rows)
    truth, said = rows["label"].to_numpy()[keep], logits.argmax(axis=1)[keep]
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
