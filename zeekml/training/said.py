"""One part of the work of one fold of one seed, as a task and as what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.training.recipe import Recipe

#: ``epoch``: finding out for how many epochs to train; ``network`` and ``trees``: what those say of the fold.
Part = Literal["epoch", "network", "trees"]


@dataclass(frozen=True, slots=True)
class Task:
    """One part of one fold of one seed; ``epochs`` are those that a network is trained for."""

    seed: int
    fold: int
    part: Part
    epochs: int = 0

    def named(self, recipe: Recipe) -> str:
        """The task as progress shows it."""
        seed = "" if recipe.seeds == 1 else f"seed {self.seed}, "
        part = {"epoch": ", finding the epoch", "network": "", "trees": ", boosted trees"}[self.part]
        return f"{seed}fold {self.fold + 1} of {recipe.folds}{part}"


@dataclass(frozen=True, eq=False)
class Said:
    """What came of a task, the other parts being None or 0.

    ``best_epoch`` of one that looked for it; ``rows`` and ``logits`` of a network; ``trees`` and, if the recipe ships
    any, ``shipped`` of trees. Shapes are those of ``OutOfFold``.
    """

    best_epoch: int = 0
    rows: pd.DataFrame | None = None
    logits: NDArray[np.float32] | None = None
    trees: NDArray[np.float32] | None = None
    shipped: NDArray[np.float32] | None = None
