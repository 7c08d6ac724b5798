"""Figures of a confusion matrix: accuracy and F1 as the comparison's tables show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confusion(counts: NDArray[np.float64], predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K, K) how often each class (row) was taken for each (column): ``counts`` (V, K), ``predicted`` (V,)."""
    classes = counts.shape[1]
    return np.stack([counts[predicted == c].sum(axis=0) for c in range(classes)], axis=1)


def figures(matrix: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy, macro and weighted F1, and F1 of each class as ``f1_0`` and so on.

    A class that the test holds and nothing was taken for has F1 0; a class that it does not hold is left out of the
    macro F1, and its F1 is NaN. In a binary matrix ``f1_1`` is that of the attacks.
    """
    held, taken, right = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    f1 = np.where(held > 0, 2 * right / np.maximum(held + taken, 1e-12), np.nan)
    weighted = float(np.nansum(f1 * held) / held.sum())
    found = {
        "accuracy": float(right.sum() / held.sum()),
        "macro_f1": float(np.nanmean(f1)),
        "weighted_f1": weighted,
    }
    return found | {f"f1_{c}": float(value) for c, value in enumerate(f1)}
