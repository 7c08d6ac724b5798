"""One fold of one seed, as a task and as what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Task:
    """One fold of one seed: to be measured after ``epochs``, or (0) to find out how many epochs do well."""

    seed: int
    fold: int
    epochs: int

    def named(self, recipe: Recipe) -> str:
        """The task as progress shows it."""
        seed = "" if recipe.seeds == 1 else f"seed {self.seed}, "
        finding = "" if self.epochs else ", finding the epoch"
        return f"{seed}fold {self.fold + 1} of {recipe.folds}{finding}"


@dataclass(frozen=True, eq=False)
class Said:
    """What came of a task: ``best_epoch`` of one that looked for it, else the rest, as in ``OutOfFold``."""

    best_epoch: int = 0
    rows: pd.DataFrame | None = None
    logits: NDArray[np.float32] | None = None
    trees: NDArray[np.float32] | None = None
    shipped: NDArray[np.float32] | None = None
