"""Lines of a Zeek JSON log."""

# ruff: noqa: PLR0912, PLR0915 - one pass over bytes, in terms that compile well

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled
from zeekml.records.kernels import objects
from zeekml.records.kernels.fields import (
    BOOL,
    LABEL,
    NUMBER,
    PORT,
    REQUIRED,
    SKIPPED,
    TEXT,
    TIME,
)
from zeekml.records.kernels.floats import scaled
from zeekml.records.kernels.moments import moment
from zeekml.records.kernels.objects import RECORD, scan_line
from zeekml.records.kernels.texts import Ints, Places, Words, code_of, copy
from zeekml.records.kernels.words import Bytes, Int, address_of, byte_of, load
from zeekml.records.values import MAX_PORT, MAX_TIME

_NEWLINE: Final = ord("\n")
_MILLISECONDS_FROM: Final = 1e11


@compiled(
    "void(Array(u1, 1, 'C', readonly=True), u8[:, ::1], i8[::1], i8[::1], u1[::1], i8[::1], u8, u8[:, ::1], "
    "f8[:, ::1], i4[:, ::1], i1[:, ::1], i4[:, ::1], u8[:, :, ::1], i4[:, ::1], i8[:, ::1], u1[::1], i4[::1], "
    "i8[::1], i8[:, ::1], i8[::1])"
)
def read_lines(
    data: Bytes,
    keys: Words,
    levels: Ints,
    opens: Ints,
    kinds: Bytes,
    outputs: Ints,
    seed: np.uint64,
    records: Words,
    numbers: npt.NDArray[np.float64],
    ports: Places,
    bools: npt.NDArray[np.int8],
    codes: Places,
    entries: Words,
    slots: Places,
    labels: Ints,
    text: Bytes,
    ends: Places,
    places: Ints,
    odd: Ints,
    counts: Ints,
) -> None:
    """Read all lines: what ``scan_line`` found for ``keys`` as ``kinds`` (K,) say, into the rows that ``outputs`` name.

    The rest as in `zeekml.records.kernels.tsv`.
    """
    base = address_of(data)
    at, stop = base, base + len(data)
    pool = address_of(text)
    found = address_of(records)
    row = line = strange = written = 0
    while at < stop:
        begin = at
        at = scan_line(begin, stop, keys, levels, opens, found)
        good = at >= 0
        filled: Int = written
        if good:
            for key in range(len(kinds)):
                kind = kinds[key] & (REQUIRED - 1)
                if kind == SKIPPED:
                    continue
                output = outputs[key]
                record = found + key * RECORD
                what = np.int64(load(record))
                unset = what in (objects.MISSING, objects.NULL)
                if unset and kinds[key] >= REQUIRED:
                    good = False
                    break
                if kind in (NUMBER, TIME):
                    value = np.nan
                    if what == objects.NUMBER:
                        value = scaled(
                            np.int64(load(record + objects.DIGITS)), np.int64(load(record + objects.POWER))
                        )
                        good = not np.isnan(value)
                    elif what == objects.TEXT and kind == TIME:
                        micros = moment(
                            np.int64(load(record + objects.START)), np.int64(load(record + objects.LENGTH))
                        )
                        good = micros >= 0
                        value = micros / 1e6
                    else:
                        good = unset
                    if kind == TIME:
                        if what == objects.NUMBER and value >= _MILLISECONDS_FROM:
                            value /= 1000
                        good &= value <= MAX_TIME
                    numbers[output, row] = value
                elif kind == PORT:
                    port = np.int64(load(record + objects.DIGITS))
                    good = what == objects.NUMBER and load(record + objects.POWER) == 0 and port <= MAX_PORT
                    ports[output, row] = port if good else 0
                elif kind == BOOL:
                    good = unset or what in (objects.TRUE, objects.FALSE)
                    bools[output, row] = -1 if unset else what == objects.TRUE
                elif unset:
                    if kind == LABEL:
                        codes[output, row] = -1
                    else:
                        ends[row + 1] = filled
                elif what != objects.TEXT:
                    good = False
                else:
                    start = np.int64(load(record + objects.START))
                    length = np.int64(load(record + objects.LENGTH))
                    if kind == TEXT:
                        copy(start, length, stop, pool + filled)
                        filled += length
                        ends[row + 1] = filled
                    else:
                        codes[output, row] = code_of(
                            start,
                            length,
                            load(record + objects.FIRST),
                            load(record + objects.SECOND),
                            load(record + objects.REST),
                            seed,
                            entries,
                            slots,
                            labels,
                            output,
                        )
                        good = length > 0 or kinds[key] < REQUIRED
                if not good:
                    break
        if good:
            places[row] = line
            written = filled
            row += 1
        else:
            odd[strange, 0] = line
            odd[strange, 1] = begin - base
            strange += 1
            at = begin
            while at < stop and byte_of(at) != _NEWLINE:
                at += 1
        at += 1
        line += 1
    counts[0], counts[1], counts[2], counts[3] = row, line, strange, written
