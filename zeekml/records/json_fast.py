"""Lines of Zeek JSON read in machine code; what is unusual about a line is left to :mod:`objects`.

Nothing is accepted here that the exact path would reject or read otherwise; a test holds the two together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from zeekml.records import columns as memory
from zeekml.records.columns import Columns, FastRows, room_for
from zeekml.records.kernels import fields, tsv, zeek_json
from zeekml.records.kernels.objects import LONGEST_KEY, RECORD, key_words
from zeekml.records.kernels.texts import SEED
from zeekml.records.lines import Content
from zeekml.records.schema import COLUMNS, Column, Kind

_READ_AS: Final[dict[Kind, int]] = {
    "time": fields.TIME,
    "string": fields.TEXT,
    "label": fields.LABEL,
    "port": fields.PORT,
    "number": fields.NUMBER,
    "bool": fields.BOOL,
}
_NESTED: Final = "id"  # holds addresses and ports in some logs
_MOST: Final = 1 << 30  # bytes


class FastJson:
    """Reads whole blocks of one file. ``extra`` names further keys to read as labels."""

    def __init__(self, extra: tuple[str, ...]) -> None:
        self._columns = [*COLUMNS, *(Column(name, "label") for name in extra)]
        keys = [*(column.name for column in self._columns), _NESTED]
        self._keys = key_words(keys)
        self._levels = np.array([0, len(keys)], dtype=np.int64)
        self._opens = np.zeros(len(keys), dtype=np.int64)
        self._opens[-1] = -1
        self._kinds = np.full(len(keys), fields.SKIPPED, dtype=np.uint8)
        self._outputs = np.zeros(len(keys), dtype=np.int64)
        self._records = np.zeros((len(keys), RECORD // 8), dtype=np.uint64)
        self._used = [0] * (max(memory.KINDS.values()) + 1)
        for place, column in enumerate(self._columns):
            array = memory.KINDS[column.kind]
            self._kinds[place] = _READ_AS[column.kind] | (fields.REQUIRED if column.required else 0)
            self._outputs[place] = self._used[array]
            self._used[array] += 1
        self._room = room_for(self)

    @classmethod
    def for_keys(cls, extra: tuple[str, ...]) -> FastJson | None:
        """Return a reader, or None where only the exact path can find the keys."""
        if any(not _is_plain(key) for key in extra):
            return None
        return cls(extra)

    def read(self, data: Content) -> FastRows | None:
        """Return the connections in ``data``; None for more than can be read so."""
        if len(data) > _MOST:
            return None
        raw = np.frombuffer(data, dtype=np.uint8)
        most = tsv.count_lines(raw) + 1
        read = Columns(self._used, most, len(data), self._room)
        places, odd = read.places, np.empty((most, 2), dtype=np.int64)
        counts = np.zeros(4, dtype=np.int64)
        zeek_json.read_lines(
            raw, self._keys, self._levels, self._opens, self._kinds, self._outputs, SEED, self._records, *read.arrays,
            places, odd, counts,
        )  # fmt: skip
        rows, count, strange, written = map(int, counts)
        read.close(written)
        arrays = {
            column.name: read.labelled(int(output), rows, lower=column.name == "proto")
            if column.kind == "label"
            else read.array(column.kind, int(output), rows)
            for column, output in zip(self._columns, self._outputs, strict=False)
        }
        return FastRows(pa.table(arrays), places[:rows], odd[:strange], count, len(data))


def _is_plain(key: str) -> bool:
    """Whether a key stands in a log as it is."""
    return 0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() and not set(key) & {'"', "\\"}
