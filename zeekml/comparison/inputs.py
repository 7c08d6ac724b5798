"""What a network sees of a table's row: the feature vector as a sequence, one or some adjacent features a step.

Every feature has the same number of channels. A number is encoded piecewise-linearly between quantiles of the
training rows (``zeekml.features.Encoding``) and marks its most frequent values; a category marks its most frequent
values and one channel stands for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.comparison.tables import Table
from zeekml.features.encoding import Encoding
from zeekml.features.layout import Feature, Layout

Floats = NDArray[np.float32]

BINS: Final = 12
"""Quantile bins of a number."""
FREQUENT: Final = 12
"""Values of a number that have a channel of their own."""
CHANNELS: Final = BINS + FREQUENT
"""Channels of a feature."""
WHOLE: Final = 0
"""The patch that is the whole feature vector in one step."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """An input fitted to training rows.

    ``frequent`` the values of each feature that have a channel, ``encoding`` of marks and numbers together,
    ``channel`` (F, CHANNELS) the place of each feature's channels in what the encoding gives, -1: none.
    """

    names: tuple[str, ...]
    numbers: frozenset[str]
    frequent: dict[str, NDArray[np.float64] | NDArray[np.str_]]
    encoding: Encoding
    channel: NDArray[np.int64]

    @classmethod
    def fit(cls, table: Table, rows: pd.DataFrame) -> Inputs:
        """Take quantiles and frequent values from distinct training rows."""
        names, numbers = tuple(rows.columns), frozenset(table.numbers)
        frequent = {name: _frequent(rows[name], name in numbers) for name in names}
        layout = _layout(names, numbers, frequent)
        matrix = _matrix(rows, names, numbers, frequent)
        encoding = Encoding.fit(matrix, layout, mode="piecewise", bins=BINS)
        return cls(names, numbers, frequent, encoding, _channels(names, layout, encoding))

    def encode(self, rows: pd.DataFrame, patch: int = 1) -> Floats:
        """Rows as sequences (N, L, C) of ``patch`` adjacent features a step: L = ceil(F / patch), C = patch * CHANNELS.

        Features that the last step lacks are zeros; ``patch`` may be ``WHOLE``.
        """
        patch = patch or len(self.names)
        flat = self.encoding.encode(_matrix(rows, self.names, self.numbers, self.frequent))
        flat = np.concatenate([flat, np.zeros((len(flat), 1), dtype=np.float32)], axis=1)  # what -1 points at
        steps = -(-len(self.names) // patch)
        places = np.full((steps * patch, CHANNELS), -1)
        places[: len(self.names)] = self.channel
        return flat[:, places.reshape(-1)].reshape(len(rows), steps, patch * CHANNELS)


def _frequent(column: pd.Series, number: bool) -> NDArray[np.float64] | NDArray[np.str_]:
    counts = column.value_counts()
    # Ties go by value, so that the order of the rows does not matter.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    # A value that one row has is no mark of anything.
    values = [value for value, count in ordered if count > 1][: FREQUENT if number else CHANNELS - 1]
    return np.array(values, dtype=np.float64) if number else np.array(values, dtype=np.str_)


def _layout(
    names: tuple[str, ...],
    numbers: frozenset[str],
    frequent: dict[str, NDArray[np.float64] | NDArray[np.str_]],
) -> Layout:
    features = []
    for name in names:
        marks = [*map(str, frequent[name]), *([] if name in numbers else ["other"])]
        features += [Feature(f"{name}={mark}", "flag", (name,), "equals", "", name) for mark in marks]
        if name in numbers:
            features.append(Feature(name, "number", (name,), "log1p", "", name))
    return Layout("table", 1, tuple(features))


def _matrix(
    rows: pd.DataFrame,
    names: tuple[str, ...],
    numbers: frozenset[str],
    frequent: dict[str, NDArray[np.float64] | NDArray[np.str_]],
) -> Floats:
    """Marks and numbers (N, F') in the order of ``_layout``."""
    columns: list[NDArray[np.float32]] = []
    for name in names:
        if name in numbers:
            values = rows[name].to_numpy(np.float64)
            columns += [(values == value).astype(np.float32) for value in frequent[name]]
            columns.append((np.sign(values) * np.log1p(np.abs(values))).astype(np.float32))
        else:
            words = rows[name].to_numpy(dtype=np.str_)
            marks = [words == word for word in frequent[name]]
            columns += [mark.astype(np.float32) for mark in marks]
            columns.append((~np.any(marks, axis=0) if marks else np.ones(len(rows))).astype(np.float32))
    return np.stack(columns, axis=1)


def _channels(names: tuple[str, ...], layout: Layout, encoding: Encoding) -> NDArray[np.int64]:
    source = np.array([names.index(feature.sources[0]) for feature in layout.features])
    of_channel = encoding.feature_of_channel()
    # The encoding puts a mark "missing" for each number between flags and bins; no table here lacks a value.
    flags, numbers = int((~encoding.is_number).sum()), int(encoding.is_number.sum())
    real = np.r_[np.arange(flags), np.arange(flags + numbers, len(of_channel))]
    channel = np.full((len(names), CHANNELS), -1)
    for at in range(len(names)):
        mine = real[source[of_channel[real]] == at]
        channel[at, : len(mine)] = mine
    return channel
