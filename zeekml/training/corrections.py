"""Label corrections: rules that say which connections of a published capture carry a wrong label.

Columns: ``file`` (the log's stem), then ``id.orig_h``, ``id.resp_h``, ``id.resp_p``, ``proto``, ``conn_state`` and
``given`` (each empty: any), ``corrected`` (a class or context word), ``connections`` (how many the rule must meet)
and ``reason``. A rule that meets another number of connections is an error: the data is not what it was.

A table may have a column ``uid``, as the verdicts of ``zeekml feedback`` do. With a uid ``file`` may be empty: the rule
is for the connection in whatever log it is, and ``connections`` may be empty then: any number, also none.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zeekml.errors import RecipeError

_MATCHED = ("id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state")

#: The columns of a table of corrections, in order.
COLUMNS = ("file", *_MATCHED, "given", "corrected", "connections", "reason")


@dataclass(frozen=True, slots=True)
class Correction:
    """One rule; ``where`` maps columns to the text that they must hold. ``connections`` None: any number."""

    file: str
    where: dict[str, str]
    given: str
    corrected: str
    connections: int | None
    reason: str
    line: int

    @property
    def for_any_log(self) -> bool:
        """Whether it is for its connection in whatever log that is."""
        return not self.file

    def is_for(self, name: str) -> bool:
        """Whether it applies to the log ``name``."""
        return self.for_any_log or self.file == name

    def apply(self, frame: pd.DataFrame, words: pd.Categorical, source: Path) -> bool:
        """Change the class words of the connections that the rule meets, in place; whether there were any."""
        rows = np.arange(len(frame))
        if (uid := self.where.get("uid")) is not None:  # first, for it leaves few rows to look at
            rows = np.flatnonzero((frame["uid"] == uid).to_numpy(dtype=bool))
        for column, text in self.where.items():
            rows = rows[(frame[column].iloc[rows].astype(str) == text).to_numpy(dtype=bool)]
        meets = np.zeros(len(frame), dtype=bool)
        meets[rows] = True
        if self.given:
            meets &= np.asarray(words == self.given)
        if self.connections is not None and meets.sum() != self.connections:
            raise RecipeError(
                f"{source}: the correction in line {self.line} ({self.given} to {self.corrected}) meets "
                f"{meets.sum()} connections, expected {self.connections}; the log or the rule is another version"
            )
        if self.corrected not in words.categories:
            raise RecipeError(
                f"{source}: the correction in line {self.line} names {self.corrected!r}, expected one of "
                f"{', '.join(map(str, words.categories))}"
            )
        words[meets] = self.corrected
        return bool(meets.any())


def load_corrections(path: Path) -> list[Correction]:
    """Read a table of corrections; RecipeError names the file and line."""
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            return [_correction(row, line, path) for line, row in enumerate(csv.DictReader(lines), 2)]
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); check the data folder") from error


def _correction(row: dict[str, str], line: int, path: Path) -> Correction:
    try:
        where = {column: row[column] for column in _MATCHED if row[column]}
        if row.get("uid"):
            where["uid"] = row["uid"]
        elif not row["file"]:
            raise RecipeError(f"{path} line {line}: has neither a file nor a uid; say which log it is for")
        count = int(row["connections"]) if row["file"] or row["connections"] else None
        return Correction(row["file"], where, row["given"], row["corrected"], count, row["reason"], line)
    except KeyError as error:
        raise RecipeError(f"{path}: lacks the column {error.args[0]!r}") from error
    except (ValueError, TypeError) as error:  # TypeError: the row ends before that column
        raise RecipeError(
            f"{path} line {line}: connections is {row['connections']!r}, expected a number"
        ) from error
