"""Two bundles on the same connections: is one better, beyond what chance would give?

The verdicts are held against each other by McNemar's test (1947), exact: of the connections that only one of the two
judges rightly, it is as likely the one as the other. The connections of one host are no independent trials, so that the
test takes differences for surer than they are; what to go by are the intervals, which come from drawing whole captures
or hosts anew with replacement (the bootstrap of clusters), infected and other ones each by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.evaluation.hosts import KINDS

Resample = Literal["captures", "hosts"]
Floats = NDArray[np.float64]

#: With fewer captures than that hosts are drawn instead, unless it is said what to draw.
_FEW_CAPTURES = 10

#: The share of draws that lies within an interval.
CONFIDENCE = 0.95


class Ranked:
    """Scores (N,) sorted once, so that figures under any weights of the connections take linear time."""

    def __init__(self, bad: NDArray[np.bool_], score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        falling = score[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
        self._bad = bad[self._order]

    def figures(self, weight: Floats, fprs: Sequence[float]) -> Floats:
        """Average precision, and recall at each false-positive rate, where a connection counts ``weight`` times (N,).

        Equal scores are taken together. The weighted numbers of malicious and benign connections are above 0.
        """
        weight = weight[self._order]
        right = np.cumsum(weight * self._bad)[self._ends]
        wrong = np.cumsum(weight * ~self._bad)[self._ends]
        called = right + wrong
        precision = np.divide(right, called, out=np.zeros_like(right), where=called > 0)
        recall = right / right[-1]
        average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
        at = [np.searchsorted(wrong, np.floor(wrong[-1] * fpr), side="right") for fpr in fprs]
        return np.array([average, *(recall[place - 1] if place else 0.0 for place in at)])


def compared(
    rows: pd.DataFrame,
    scores: Sequence[Floats],
    thresholds: Sequence[float],
    hosts: Sequence[list[dict[str, Any]]],
    *,
    fprs: Sequence[float],
    resample: Resample | None,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """The comparison of two bundles A and B over the counted rows (N).

    ``scores`` and ``thresholds`` are theirs, ``hosts`` their host outcomes in the same order. A difference is B's
    figure less A's.
    """
    bad = (rows["label"] > 0).to_numpy()
    right = [(score >= threshold) == bad for score, threshold in zip(scores, thresholds, strict=True)]
    found: dict[str, Any] = {
        "connections": mcnemar(*right),
        "hosts": {
            kind: {
                name: mcnemar(*([(host[kind] is not None) == truth for host in each if host["infected"] is truth]
                                for each in hosts))
                for name, truth in (("infected", True), ("clean", False))
            }
            for kind in KINDS.values()
        },
        "bootstrap": None,
    }  # fmt: skip
    if bad.any() and not bad.all():
        captures = rows["capture"].astype(str)
        if resample is None:
            resample = "captures" if captures.nunique() >= _FEW_CAPTURES else "hosts"
        key = captures if resample == "captures" else captures + "\n" + rows["host"].astype(str)
        unit = pd.factorize(key, sort=True)[0]
        found["bootstrap"] = _bootstrap(bad, scores, unit, resample, fprs, draws, seed)
    return found


def mcnemar(a: Sequence[bool] | NDArray[np.bool_], b: Sequence[bool] | NDArray[np.bool_]) -> dict[str, Any]:
    """McNemar's exact test on what A and B judge rightly (N,): the counts, and the two-sided p-value."""
    from scipy.stats import binomtest  # noqa: PLC0415 - an extra

    first, second = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    only_a, only_b = int((first & ~second).sum()), int((~first & second).sum())
    differing = only_a + only_b
    return {
        "both_right": int((first & second).sum()),
        "only_a_right": only_a,
        "only_b_right": only_b,
        "both_wrong": int((~first & ~second).sum()),
        "p_value": float(binomtest(only_a, differing).pvalue) if differing else 1.0,
    }


def _bootstrap(
    bad: NDArray[np.bool_],
    scores: Sequence[Floats],
    unit: NDArray[np.int64],
    resample: Resample,
    fprs: Sequence[float],
    draws: int,
    seed: int,
) -> dict[str, Any]:
    names = ["average_precision", *(f"recall_at_fpr_{fpr:g}" for fpr in fprs)]
    ranked = [Ranked(bad, score) for score in scores]
    count = int(unit.max()) + 1
    infected = np.bincount(unit, bad, count) > 0
    strata = [np.flatnonzero(infected), np.flatnonzero(~infected)]
    rng = np.random.default_rng(seed)
    drawn = np.full((draws, len(ranked), len(names)), np.nan)
    for draw in range(draws):
        times = np.zeros(count)
        for units in strata:
            times += np.bincount(rng.choice(units, len(units)), minlength=count) if len(units) else 0
        weight = times[unit]
        # With hosts alone that have both kinds, or none that is benign, a draw can lack one kind.
        if (weight * ~bad).sum() > 0:
            drawn[draw] = [each.figures(weight, fprs) for each in ranked]
    drawn = drawn[~np.isnan(drawn[:, 0, 0])]
    whole = [each.figures(np.ones(len(bad)), fprs) for each in ranked]
    return {
        "resampled": resample,
        "units": count,
        "infected_units": int(infected.sum()),
        "draws": len(drawn),
        "confidence": CONFIDENCE,
        "figures": {
            name: {
                "a": _interval(whole[0][at], drawn[:, 0, at]),
                "b": _interval(whole[1][at], drawn[:, 1, at]),
                "difference": _interval(whole[1][at] - whole[0][at], drawn[:, 1, at] - drawn[:, 0, at]),
                "b_better": float((drawn[:, 1, at] > drawn[:, 0, at]).mean()) if len(drawn) else None,
            }
            for at, name in enumerate(names)
        },
    }


def _interval(value: float, drawn: Floats) -> dict[str, float | None]:
    """A figure and the percentiles of its draws."""
    if not len(drawn):
        return {"value": float(value), "low": None, "high": None}
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"value": float(value), "low": float(low), "high": float(high)}
