"""Rows that are equal in all features: told apart once, and what the labels of equal rows allow at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.comparison.tables import BENIGN, Table

Task = Literal["binary", "multi"]
TASKS: tuple[Task, ...] = ("binary", "multi")


@dataclass(frozen=True, eq=False)
class Distinct:
    """The V distinct feature vectors of a table.

    ``features`` (V rows) are the vectors, ``of_row`` (N,) says which one each row of the table is, ``counts`` (V, K)
    how often each vector carries each class.
    """

    features: pd.DataFrame
    of_row: NDArray[np.int64]
    counts: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def labels(self) -> NDArray[np.int64]:
        """(V,) the most frequent label of each vector, the first of equals."""
        return np.asarray(self.counts.argmax(axis=1), dtype=np.int64)


def distinct_rows(table: Table) -> Distinct:
    """Find the distinct feature vectors, in the order in which they first appear."""
    groups = table.features.groupby(list(table.features.columns), sort=False)
    of_row = np.asarray(groups.ngroup(), dtype=np.int64)
    first = np.unique(of_row, return_index=True)[1]
    counts = label_counts(of_row, table.labels, len(first), len(table.classes))
    return Distinct(table.features.iloc[first].reset_index(drop=True), of_row, counts)


def label_counts(
    vectors: NDArray[np.int64], labels: NDArray[np.int64], size: int, classes: int
) -> NDArray[np.float64]:
    """How often each of ``size`` vectors carries each of ``classes`` labels: (size, classes)."""
    cells = np.bincount(vectors * classes + labels, minlength=size * classes)
    return cells.reshape(size, classes).astype(np.float64)


def task_classes(classes: tuple[str, ...], task: Task) -> tuple[str, ...]:
    """The classes that a task tells apart."""
    return (classes[BENIGN], "attack") if task == "binary" else classes


def for_task(counts: NDArray[np.float64], task: Task) -> NDArray[np.float64]:
    """Counts (V, K) as they are, or (V, 2) of benign and attack."""
    if task == "multi":
        return counts
    benign = counts[:, BENIGN]
    return np.stack([benign, counts.sum(axis=1) - benign], axis=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The accuracy that no model can exceed: equal rows with different labels cannot all be right."""

    binary: float
    multi: float


def upper_bounds(distinct: Distinct) -> Bounds:
    """The bounds with the labels and classes of the comparison."""
    total = distinct.counts.sum()
    best = {task: for_task(distinct.counts, task).max(axis=1).sum() / total for task in TASKS}
    return Bounds(float(best["binary"]), float(best["multi"]))


def published_bounds(table: Table, distinct: Distinct) -> Bounds:
    """The bounds with the labels as published, every detailed label a class."""
    words, codes = np.unique(table.published, return_inverse=True)
    multi = label_counts(distinct.of_row, codes.astype(np.int64), len(distinct), len(words))
    binary = label_counts(distinct.of_row, table.published_attack.astype(np.int64), len(distinct), 2)
    return Bounds(float(binary.max(axis=1).sum() / len(table)), float(multi.max(axis=1).sum() / len(table)))
