"""Calibration of a model that was changed, or of which analysts have judged some scores. All pure, all from arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeekml.scoring.calibration import Calibration

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

#: Log odds by which points of a calibration stay apart.
_APART = 1e-6
#: The least slope that verdicts leave a calibration; less where the parent's own is less.
_LEAST_SLOPE = 5e-4
#: Halvings of an interval: beyond what float64 tells apart.
_HALVINGS = 80


def aligned(calibration: Calibration, before: Floats, after: Floats, bad: Bools) -> Calibration:
    """The calibration of a changed model: its points moved to where the same rows now lie.

    ``before`` and ``after`` (N,) are the log odds of the former and the changed model of the same rows, ``bad`` (N,)
    which are malicious. A point that stood at a quantile of the former is put at that quantile of the changed one
    (malicious and benign rows weigh alike in all), so that a score is as frequent as it was. Beyond the rows a point
    moves as the outermost row does. Nothing moves when nothing changed.
    """
    weight = _even(bad)
    old, old_rank = _quantiles(before, weight)
    new, new_rank = _quantiles(after, weight)
    given = np.array(calibration.given)
    moved = np.interp(np.interp(given, old, old_rank), new_rank, new)
    moved = np.where(given < old[0], given + (new[0] - old[0]), moved)
    moved = np.where(given > old[-1], given + (new[-1] - old[-1]), moved)
    steps = _APART * np.arange(len(given))
    moved = np.maximum.accumulate(moved - steps) + steps
    return Calibration(tuple(moved.tolist()), calibration.meant)


def _even(bad: Bools) -> Floats:
    """Weights (N,) by which malicious and benign rows weigh alike; plain ones where there is one kind."""
    if bad.all() or not bad.any():
        return np.ones(len(bad))
    weight: Floats = np.where(bad, 0.5 / bad.sum(), 0.5 / (~bad).sum())
    return weight


def _quantiles(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The values (N,) rising, and the weighted share (N,) at the middle of each."""
    order = np.argsort(values, kind="stable")
    heavy = weight[order]
    return values[order], (np.cumsum(heavy) - heavy / 2) / heavy.sum()


def by_verdicts(calibration: Calibration, odds: Floats, bad: Bools, prior: float) -> Calibration:
    """The calibration after verdicts on connections of these log odds (N,), malicious (``bad``) or benign.

    A verdict counts for the two points around it, by its distance from them. The log odds ``m_j`` that the points mean
    are those that minimise, over all lines that rise,

        sum_j  -malicious_j log sigmoid(m_j) - benign_j log(1 - sigmoid(m_j)) + prior / 2 (m_j - meant_j)^2

    the maximum a posteriori under a Gaussian prior of variance ``1 / prior`` around what the points meant before. So k
    verdicts move a line by at most ``k / prior`` nats anywhere, none move it not at all, a benign one raises no score
    and a malicious one lowers none. Solved by pooling adjacent violators (Best and Chakravarti 1990).
    """
    given, meant = np.array(calibration.given), np.array(calibration.meant)
    least = min(_LEAST_SLOPE, float((np.diff(meant) / np.diff(given)).min()) / 2)
    tilt = least * (
        given - given[0]
    )  # a line with at least this slope is one that rises once it is taken off
    malicious, benign = (_at_points(given, odds[mine]) for mine in (bad, ~bad))
    blocks: list[tuple[slice, float]] = []
    for at in range(len(given)):
        points = slice(at, at + 1)
        level = _level(points, meant, tilt, malicious, benign, prior)
        while blocks and blocks[-1][1] > level:
            points = slice(blocks.pop()[0].start, points.stop)
            level = _level(points, meant, tilt, malicious, benign, prior)
        blocks.append((points, level))
    levels = np.concatenate([np.full(points.stop - points.start, level) for points, level in blocks])
    untouched = np.concatenate([_untouched(points, malicious, benign) for points, _ in blocks])
    return Calibration(calibration.given, tuple(np.where(untouched, meant, levels + tilt).tolist()))


def _at_points(given: Floats, odds: Floats) -> Floats:
    """How many verdicts at these log odds (N,) fall to each point (P,): each is split between its neighbours."""
    place = np.interp(odds, given, np.arange(len(given)))
    below = np.minimum(place.astype(np.int64), len(given) - 2)
    part = place - below
    count = np.bincount(below, 1 - part, len(given)) + np.bincount(below + 1, part, len(given))
    return np.asarray(count, dtype=np.float64)


def _untouched(points: slice, malicious: Floats, benign: Floats) -> Bools:
    alone = points.stop - points.start == 1
    return np.full(
        points.stop - points.start, alone and not (malicious[points].any() or benign[points].any())
    )


def _level(
    points: slice, meant: Floats, tilt: Floats, malicious: Floats, benign: Floats, prior: float
) -> float:
    """The level at which the points of a block together cost least: where the slope of their cost is 0."""
    m, t, a, b = meant[points], tilt[points], malicious[points], benign[points]
    if not (a.any() or b.any()):
        return float((m - t).mean())
    reach = (a.sum() + b.sum()) / prior + 1.0
    low, high = float((m - t).min() - reach), float((m - t).max() + reach)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        value = middle + t
        slope = (a + b) / (1 + np.exp(-value)) - a + prior * (value - m)
        low, high = (middle, high) if slope.sum() < 0 else (low, middle)
    return (low + high) / 2


def odds_of(calibration: Calibration, scores: Sequence[float]) -> Floats:
    """The log odds (N,) that a calibration gives these scores (0 to 1): its line, the other way round."""
    given, meant = np.array(calibration.given), np.array(calibration.meant)
    score = np.clip(np.array(scores, dtype=np.float64), 1e-6, 1 - 1e-6)
    line = np.log(score / (1 - score))
    slope = np.diff(meant) / np.diff(given)
    at = np.clip(np.searchsorted(meant, line) - 1, 0, len(slope) - 1)
    return np.asarray(given[at] + (line - meant[at]) / slope[at], dtype=np.float64)
