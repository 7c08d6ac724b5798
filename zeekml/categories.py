"""Tests on category columns of pandas frames: once for each distinct value, not once a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]


def by_category(column: pd.Series[Any], test: Callable[[pd.Index[str]], Mask]) -> Mask:
    """Apply ``test`` to a category column's distinct values; (N,) bool, False where unset."""
    codes = column.cat.codes.to_numpy()
    by_code = np.append(test(column.cat.categories), False)  # code -1, unset, takes the last
    return np.asarray(by_code[codes], dtype=np.bool_)
