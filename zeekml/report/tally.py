"""Sums over groups of rows that come in frames, in memory that goes with the groups and not with the rows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

_PENDING = 500_000  # rows of partial sums, before they are joined


class Tally:
    """Groups by ``keys`` and adds up the columns of ``how`` (column: ``sum``, ``min`` or ``max``).

    ``most``: groups that are kept; beyond twice as many, those of the lowest ``score`` and then ``n`` go, and
    ``left_off`` says that some did.
    """

    def __init__(self, keys: Sequence[str], how: dict[str, str], most: int | None = None) -> None:
        self._keys = list(keys)
        self._how = how
        self._most = most
        self._parts: list[pd.DataFrame] = []
        self._pending = 0
        self.left_off = False

    def add(self, frame: pd.DataFrame) -> None:
        """Add rows; those with a missing key are a group as well."""
        self._parts.append(self._grouped(frame))
        self._pending += len(self._parts[-1])
        if self._pending > _PENDING:
            self._parts = [self._bounded(self.table())]
            self._pending = 0

    def table(self) -> pd.DataFrame:
        """One row a group: its keys and its sums."""
        if not self._parts:
            return pd.DataFrame({name: pd.Series(dtype=object) for name in (*self._keys, *self._how)})
        joined = pd.concat(self._parts, ignore_index=True)
        return joined if len(self._parts) == 1 else self._grouped(joined)

    def _grouped(self, frame: pd.DataFrame) -> pd.DataFrame:
        groups = frame.groupby(self._keys, sort=False, dropna=False, observed=True)
        return groups.agg(self._how).reset_index()

    def _bounded(self, table: pd.DataFrame) -> pd.DataFrame:
        if self._most is None or len(table) <= 2 * self._most:
            return table
        self.left_off = True
        return table.sort_values(["score", "n"], ascending=False, kind="stable").head(self._most)
