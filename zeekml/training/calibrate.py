"""Calibration, its error, and the sum that stands for the network in reasons."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zeekml.features import Encoding
from zeekml.scoring.calibration import Calibration, log_odds
from zeekml.training.samples import Sequences

Floats = NDArray[np.float64]

_LEAST_SLOPE = 1e-3
_APART = 1e-9


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows next to each other by rank: how many, how many malicious, their log odds' sum and ends, bins pooled."""

    rows: int
    bad: int
    total: float
    low: float
    high: float
    bins: int = 1

    @property
    def mean(self) -> float:
        return self.total / self.rows

    @property
    def share(self) -> float:
        return (self.bad + 0.5) / (self.rows + 1)

    def with_next(self, other: _Block) -> _Block:
        return _Block(
            self.rows + other.rows,
            self.bad + other.bad,
            self.total + other.total,
            self.low,
            other.high,
            self.bins + other.bins,
        )

    @property
    def points(self) -> list[float]:
        """Where the line takes the block's share: at its mean, or along the middle half of several bins in one."""
        quarter = (self.high - self.low) / 4
        return [self.mean] if self.bins == 1 else [self.low + quarter, self.high - quarter]


def fit_calibration(odds: Floats, bad: NDArray[np.bool_], points: int = 12) -> Calibration:
    """A rising line that maps log odds (N,) to the share of what was malicious (N,): at most ``2 * points`` points.

    The rows are cut by rank into bins of like number, a further one at each end for the tails that thresholds lie in;
    neighbours whose shares do not rise are pooled (pool adjacent violators: Ayer et al. 1955) and give the line a
    level stretch, a share of n rows is smoothed by half a row either way, and no stretch is quite flat, so that the
    rank of scores stays.
    """
    blocks = _pooled(odds, bad, points)
    places = [block.points for block in blocks]
    # The tails keep a slope: what thresholds are chosen by must tell scores apart there.
    places[0], places[-1] = [blocks[0].mean], [blocks[-1].mean]
    given = np.concatenate(places)
    shares = np.repeat([block.share for block in blocks], [len(place) for place in places])
    meant = np.log(shares / (1 - shares))
    if len(given) < 2 or np.diff(given).min() < _APART:  # all alike, or the wrong way round
        centre, level = float(odds.mean()), float(meant.mean())
        return Calibration((centre - 1, centre + 1), (level - _LEAST_SLOPE, level + _LEAST_SLOPE))
    steepest = np.maximum(np.diff(meant), _LEAST_SLOPE * np.diff(given))
    meant = meant[0] + np.r_[0, np.cumsum(steepest)]
    return Calibration(tuple(given.tolist()), tuple(meant.tolist()))


def _pooled(odds: Floats, bad: NDArray[np.bool_], points: int) -> list[_Block]:
    order = np.argsort(odds, kind="stable")
    ranks = np.unique(np.r_[0, np.linspace(0.005, 0.995, points - 1), 1] * len(odds) // 1).astype(np.int64)
    blocks: list[_Block] = []
    for start, stop in pairwise(ranks):
        mine = order[start:stop]
        values = odds[mine]
        blocks.append(
            _Block(len(mine), int(bad[mine].sum()), float(values.sum()), float(values[0]), float(values[-1]))
        )
        while len(blocks) > 1 and blocks[-1].share <= blocks[-2].share:
            last = blocks.pop()
            blocks.append(blocks.pop().with_next(last))
    return blocks


def expected_calibration_error(score: Floats, bad: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean distance of score and share of malicious connections over bins of equal width (Naeini et al. 2015)."""
    index = np.minimum((score * bins).astype(np.int64), bins - 1)
    size = np.bincount(index, minlength=bins)
    gap = np.abs(np.bincount(index, score, bins) - np.bincount(index, bad, bins))
    return float(gap[size > 0].sum() / len(score))


def fit_reasons(
    encoding: Encoding, sequences: Sequences, logits: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Ridge regression of the network's log odds, from its logits (N, K), on the encoded features of sequences.

    Returns coefficients (C,), the mean encoding (C,) of benign rows, and the share of the variance that is explained.
    """
    from sklearn.linear_model import Ridge  # noqa: PLC0415 - an extra

    encoded = encoding.encode(sequences.features)
    odds = np.clip(log_odds(logits), -12, 12)
    model = Ridge(alpha=10.0).fit(encoded, odds)
    typical = encoded[sequences.labels == 0].mean(axis=0, dtype=np.float64).astype(np.float32)
    return model.coef_.astype(np.float32), typical, float(model.score(encoded, odds))
