"""Finished cells: one JSON file each, taken again when everything it came from is still the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from zeekml.comparison.cells import Cell
from zeekml.errors import OutputError
from zeekml.simulate.files import whole_file

Result = dict[str, Any]


class Store:
    """The cells in the folder ``folder``; it is made when the first is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def finished(self, cell: Cell, digest: str) -> Result | None:
        """The result of a cell, None where there is none of the same key. Raises OutputError."""
        path = self._path(cell, digest)
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:  # not JSON: something else wrote it, and it is worked out again
            return None
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{path}: cannot be read ({reason}); give another --out") from error
        return found if isinstance(found, dict) and found.get("key") == cell.key(digest) else None

    def keep(self, cell: Cell, digest: str, result: Result) -> None:
        """Write a finished cell, whole or not at all. Raises OutputError."""
        # A class that a test does not hold has no F1: JSON knows null, not NaN.
        text = json.dumps(_without_nan(result), indent=1, allow_nan=False)
        with whole_file(self._path(cell, digest)) as file:
            file.write(text.encode())

    def _path(self, cell: Cell, digest: str) -> Path:
        kind = "tuning" if cell.tuning else cell.protocol
        words = f"{cell.data_set} {kind} {cell.task} {cell.row} {cell.seed}"
        return self.folder / f"{re.sub(r'[^a-z0-9]+', '-', words.lower())}-{cell.key(digest)[:12]}.json"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - only NaN differs from itself
