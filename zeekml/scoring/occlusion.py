"""What trees would say of connections if some features had other values: one fact after the other taken back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeekml.scoring.trees import Floats, Trees

Doubles = NDArray[np.float64]


class Occlusion:
    """Trees, the groups (F,), of ``count``, that features are taken back by (-1: never), and the values (F,) that
    stand in."""

    def __init__(self, trees: Trees, groups: NDArray[np.int64], count: int, typical: Floats) -> None:
        from zeekml.scoring.kernels.occlusion import OccludedTrees  # noqa: PLC0415 - is compiled or loaded

        self._trees = OccludedTrees(trees, groups, count, typical)

    def log_odds(self, matrix: Floats) -> tuple[Doubles, Doubles]:
        """Log odds (N, G) of features (N, F) with those of each group replaced, and (N,) of them as they are."""
        return self._trees.occluded(matrix)
