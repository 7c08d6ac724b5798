"""Label corrections: rules that say which connections of a published capture carry a wrong label.

Columns: ``file`` (the log's stem), then ``id.orig_h``, ``id.resp_h``, ``id.resp_p``, ``proto``, ``conn_state`` and
``given`` (each empty: any), ``corrected`` (a class or context word), ``connections`` (how many the rule must meet)
and ``reason``. A rule that meets another number of connections is an error: the data is not what it was.
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
    """One rule; ``where`` maps columns to the text that they must hold."""

    file: str
    where: dict[str, str]
    given: str
    corrected: str
    connections: int
    reason: str
    line: int

    def apply(self, frame: pd.DataFrame, words: pd.Categorical, source: Path) -> None:
        """Change the class words of the connections that the rule meets, in place."""
        meets = np.ones(len(frame), dtype=bool)
        for column, text in self.where.items():
            meets &= (frame[column].astype(str) == text).to_numpy(dtype=bool)
        if self.given:
            meets &= np.asarray(words == self.given)
        if meets.sum() != self.connections:
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
        count = int(row["connections"])
        return Correction(row["file"], where, row["given"], row["corrected"], count, row["reason"], line)
    except KeyError as error:
        raise RecipeError(f"{path}: lacks the column {error.args[0]!r}") from error
    except (ValueError, TypeError) as error:  # TypeError: the row ends before that column
        raise RecipeError(
            f"{path} line {line}: connections is {row['connections']!r}, expected a number"
        ) from error
