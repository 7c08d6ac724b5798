"""How well several ways of calibration do on captures that were left out, and on groups that the calibration never saw.

It reads the folds that ``zeekml train --folds`` keeps (missing ones are worked out, which takes minutes each)::

    python benchmarks/calibration.py --data DATA --folds FOLDS --seeds 5
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from zeekml.evaluation.truth import default_recipe
from zeekml.scoring.calibration import log_odds
from zeekml.scoring.trees import pooled
from zeekml.training.calibrate import expected_calibration_error, fit_calibration
from zeekml.training.captures import Capture, load_captures
from zeekml.training.folds import deal
from zeekml.training.heldout import lay_out
from zeekml.training.measure import counted
from zeekml.training.outoffold import Measured, out_of_fold
from zeekml.training.recipe import Recipe, load_recipe
from zeekml.training.watcher import Silent

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Score = Callable[[Floats, NDArray[np.object_]], Floats]
#: Gives, from log odds, protocols and which rows are malicious, a way from log odds and protocols to a probability.
Way = Callable[[Floats, NDArray[np.object_], Bools], Score]

#: Fewest rows of each kind that a protocol has a line of its own for.
_FEWEST = 500


def line(odds: Floats, _: NDArray[np.object_], bad: Bools, points: int) -> Score:
    """The line of ``zeekml train`` with so many bins."""
    found = fit_calibration(odds, bad, points)
    return lambda values, _: found.score(values)


def by_protocol(odds: Floats, protocol: NDArray[np.object_], bad: Bools) -> Score:
    """A line for each protocol that has enough rows of both kinds, and one for the rest together."""
    every = fit_calibration(odds, bad)
    lines = {}
    for name in np.unique(protocol):
        mine = protocol == name
        if min((mine & bad).sum(), (mine & ~bad).sum()) >= _FEWEST:
            lines[name] = fit_calibration(odds[mine], bad[mine])

    def score(values: Floats, asked: NDArray[np.object_]) -> Floats:
        found = every.score(values)
        for name, own in lines.items():
            found[asked == name] = own.score(values[asked == name])
        return found

    return score


def regression(odds: Floats, _: NDArray[np.object_], bad: Bools, seen: Callable[[Floats], Floats]) -> Score:
    """Logistic regression on what ``seen`` makes of log odds: (N, D)."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - an extra

    found = LogisticRegression(C=1e6, max_iter=1000).fit(seen(odds), bad)
    return lambda values, _: np.asarray(found.predict_proba(seen(values))[:, 1], dtype=np.float64)


def isotonic(odds: Floats, _: NDArray[np.object_], bad: Bools) -> Score:
    """Plain isotonic regression, in steps."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - an extra

    found = IsotonicRegression(out_of_bounds="clip").fit(odds, bad)
    return lambda values, _: np.asarray(found.predict(values), dtype=np.float64)


def itself(odds: Floats) -> Floats:
    """Log odds (N, 1), for Platt scaling (1999)."""
    return odds[:, None]


def both_logs(odds: Floats) -> Floats:
    """Logarithms of the probability and of its complement (N, 2), for beta calibration (Kull and others 2017)."""
    return np.stack([-np.logaddexp(0, -odds), np.logaddexp(0, odds)], axis=1)


WAYS: dict[str, Way] = {
    "line of 8 bins": partial(line, points=8),
    "line of 12 bins (shipped)": partial(line, points=12),
    "line of 16 bins": partial(line, points=16),
    "line of 32 bins": partial(line, points=32),
    "line of 64 bins": partial(line, points=64),
    "a line for each protocol": by_protocol,
    "isotonic": isotonic,
    "Platt": partial(regression, seen=itself),
    "beta": partial(regression, seen=both_logs),
}


def errors(
    way: Way,
    odds: Floats,
    protocol: NDArray[np.object_],
    bad: Bools,
    group: NDArray[np.object_],
    part: NDArray[np.int64],
) -> tuple[float, float]:
    """Calibration error of rows (N) where the way was fitted, and when each part knows none of its own groups."""
    fitted = expected_calibration_error(way(odds, protocol, bad)(odds, protocol), bad)
    score = np.empty(len(odds))
    for number in np.unique(part):
        mine = part == number
        known = ~np.isin(group, np.unique(group[mine]))
        score[mine] = way(odds[known], protocol[known], bad[known])(odds[mine], protocol[mine])
    return fitted, expected_calibration_error(score, bad)


def protocols(captures: Sequence[Capture], recipe: Recipe, seed: int) -> NDArray[np.object_]:
    """The protocol (N,) of every held-out row of a seed, in the order of its rows."""
    found = []
    for number, fold in enumerate(deal(captures, recipe.folds, seed)):
        frames, _ = lay_out(fold, recipe, seed + number)
        found += [frame["proto"].astype(str).to_numpy(dtype=object) for frame in frames]
    return np.concatenate(found)


def table(captures: Sequence[Capture], measured: Measured, recipe: Recipe) -> list[tuple[str, float, float]]:
    """Each way with its two errors, over the counted rows of all seeds."""
    columns: list[tuple[NDArray[np.generic], ...]] = []
    for place, found in enumerate(measured.seeds):
        network = log_odds(found.logits)
        odds = network if found.shipped is None else pooled(network, found.shipped, recipe.trees.share)
        keep = counted(found.rows)
        row = (
            odds,
            protocols(captures, recipe, found.seed),
            (found.rows["label"] > 0).to_numpy(),
            found.rows["group"].to_numpy(dtype=object),
            found.fold + place * recipe.folds,
        )
        columns.append(tuple(column[keep] for column in row))
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    return [(name, *errors(way, *joined)) for name, way in WAYS.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder that the recipe's paths start from"
    )
    parser.add_argument(
        "--folds", type=Path, required=True, help="where zeekml train --folds keeps finished folds"
    )
    parser.add_argument(
        "--recipe", type=Path, default=default_recipe(), help="the recipe; the default model's"
    )
    parser.add_argument("--seeds", type=int, default=None, help="seeds, from the recipe's; as many as it has")
    asked = parser.parse_args(arguments)
    recipe = load_recipe(asked.recipe)
    recipe = recipe.model_copy(update={"seeds": asked.seeds or recipe.seeds})
    torch.set_num_threads(recipe.threads)
    captures = load_captures(recipe, asked.data)
    measured = out_of_fold(captures, recipe, asked.data, 1, Silent(), asked.folds)
    print("| calibration | error where fitted | with none of the groups |\n| --- | --- | --- |")
    for name, fitted, others in table(captures, measured, recipe):
        print(f"| {name} | {fitted:.3f} | {others:.3f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
