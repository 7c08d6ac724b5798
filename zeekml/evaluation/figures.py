"""Figures of connection verdicts: confusion, each class, curves and calibration. All pure, all from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeekml.training.calibrate import expected_calibration_error

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Bins of equal width in a reliability diagram.
BINS = 15

#: A curve keeps a point when it moved by this much on an axis, or the false-positive rate by this factor.
_STEP, _FACTOR = 1 / 256, 10 ** (1 / 20)


def class_figures(truth: Ints, said: Ints, classes: Sequence[str]) -> dict[str, Any]:
    """Confusion matrix, accuracy, and precision, recall and F1 of each class, macro and weighted.

    ``truth`` and ``said`` (N,) are indices into ``classes``; only classes that occur in either are shown. Macro is the
    plain mean over them, weighted the mean by how many connections are of the class. A precision without a connection
    called so, or a recall without one that is, is None, and counts as 0 in the means, as scikit-learn has it.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # noqa: PLC0415 - an extra

    shown = np.union1d(truth, said)
    if not len(shown):
        return {"accuracy": None, "confusion": {"classes": [], "counts": []}, "classes": {}, "macro": None,
                "weighted": None}  # fmt: skip
    matrix = confusion_matrix(truth, said, labels=np.arange(len(classes)))[np.ix_(shown, shown)]
    each = precision_recall_fscore_support(truth, said, labels=shown, zero_division=0.0)
    called, real = matrix.sum(axis=0), matrix.sum(axis=1)
    names = [classes[index] for index in shown]
    return {
        "accuracy": float(np.trace(matrix) / len(truth)),
        "confusion": {"classes": names, "counts": matrix.tolist()},
        "classes": {
            name: {
                "connections": int(real[at]),
                "precision": float(each[0][at]) if called[at] else None,
                "recall": float(each[1][at]) if real[at] else None,
                "f1": float(each[2][at]),
            }
            for at, name in enumerate(names)
        },
        "macro": _means(each, np.ones(len(shown))),
        "weighted": _means(each, real),
    }


def _means(each: Sequence[Floats], weights: NDArray[Any]) -> dict[str, float]:
    names = ("precision", "recall", "f1")
    return {
        name: float(np.average(values, weights=weights)) for name, values in zip(names, each, strict=False)
    }


def curves(bad: Bools, score: Floats) -> dict[str, Any]:
    """ROC and precision-recall curves, and the area under the first.

    ``roc`` holds points [false-positive rate, recall], ``pr`` points [recall, precision], thinned out to what an eye
    can tell apart. All None unless there are malicious and benign connections.
    """
    from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve  # noqa: PLC0415 - an extra

    if bad.all() or not bad.any():
        return {"roc_auc": None, "roc": None, "pr": None}
    wrong, right, _ = roc_curve(bad, score)
    precision, recall, _ = precision_recall_curve(bad, score)
    # From high thresholds to low, as the other; the last point is (0, 1) by convention.
    precision, recall = precision[::-1], recall[::-1]
    low = np.floor(np.log(np.maximum(wrong, 1e-7)) / np.log(_FACTOR))
    return {
        "roc_auc": float(roc_auc_score(bad, score)),
        "roc": _points(wrong, right, _thinned(wrong // _STEP, right // _STEP, low)),
        "pr": _points(recall, precision, _thinned(recall // _STEP, precision // _STEP)),
    }


def _thinned(*coordinates: Floats) -> Ints:
    """The places (M,) at which any of the coordinates (N,) has another value than before, and the last."""
    steps = np.stack(coordinates)
    moved = np.append(True, (np.diff(steps, axis=1) != 0).any(axis=0))
    moved[-1] = True
    return np.flatnonzero(moved)


def _points(x: Floats, y: Floats, places: Ints) -> list[list[float]]:
    return [[float(a), float(b)] for a, b in zip(x[places], y[places], strict=True)]


def calibration(bad: Bools, score: Floats) -> dict[str, Any]:
    """Expected calibration error, and the bins of the reliability diagram that hold any connection."""
    if not len(score):
        return {"error": None, "bins": []}
    index = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    size = np.bincount(index, minlength=BINS)
    scores, malicious = np.bincount(index, score, BINS), np.bincount(index, bad, BINS)
    return {
        "error": expected_calibration_error(score, bad, BINS),
        "bins": [
            {
                "from": at / BINS,
                "to": (at + 1) / BINS,
                "connections": int(size[at]),
                "mean_score": float(scores[at] / size[at]),
                "malicious_share": float(malicious[at] / size[at]),
            }
            for at in np.flatnonzero(size).tolist()
        ],
    }
