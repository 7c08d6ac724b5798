"""Columns of a table of connections as arrays of text, without a Python loop over connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zeekml.simulate.table import I64, MICROSECONDS, U64, Codes

Text = Any
"""A pyarrow array (or a scalar, as Python text) of strings; pyarrow carries no types of its own."""

_BASE62 = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_BYTES = pa.array([str(value) for value in range(256)])


def joined(*parts: Text, between: str = "") -> Text:
    """The parts side by side; a row with a part that is null is null."""
    return pc.binary_join_element_wise(*parts, between)


def words(codes: Codes, vocabulary: Sequence[str | None]) -> Text:
    """The word each code stands for; None becomes null."""
    return pa.array(vocabulary, pa.string()).take(pa.array(codes))


def counts(values: npt.NDArray[Any]) -> Text:
    """Whole numbers in decimal; below zero is null."""
    return pc.cast(pa.array(values, mask=values < 0), pa.string())


def seconds(micros: I64) -> Text:
    """Microseconds as seconds with six decimals; below zero is null."""
    whole, rest = np.divmod(micros, MICROSECONDS)
    return joined(counts(np.where(micros < 0, -1, whole)), _padded(rest), between=".")


def seconds_short(micros: I64) -> Text:
    """Microseconds as seconds with as many decimals as needed, one at least."""
    cut = pc.utf8_rtrim(seconds(micros), "0")
    return pc.if_else(pc.ends_with(cut, "."), joined(cut, "0"), cut)


def date_times(micros: I64, zone: str) -> Text:
    """Microseconds since 1970 as ``2023-11-14T22:13:20.333456`` and the zone mark, UTC."""
    whole, rest = np.divmod(micros, MICROSECONDS)
    known, place = np.unique(whole, return_inverse=True)
    stamps = pa.array(np.datetime_as_string(known.astype("M8[s]")).tolist(), pa.string())
    return joined(stamps.take(pa.array(place)), ".", _padded(rest), zone)


def addresses(values: I64) -> Text:
    """IPv4 numbers in dotted form."""
    octets = (_BYTES.take(pa.array(values >> shift & 255)) for shift in (24, 16, 8, 0))
    return joined(*octets, between=".")


def uids(numbers: U64) -> Text:
    """Zeek's connection ids: ``C`` and 17 digits of base 62, as many bits as Zeek's own (96 and a few)."""
    digits = np.empty((len(numbers), 18), dtype=np.uint8)
    digits[:, 0] = ord("C")
    high, low = numbers.copy(), numbers * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0xD1B54A32D192ED03)
    low ^= low >> np.uint64(29)
    for place in range(1, 18):
        source = high if place < 10 else low
        source, digit = np.divmod(source, np.uint64(62))
        digits[:, place] = _BASE62[digit]
        high, low = (source, low) if place < 10 else (high, source)
    return _fixed_width(digits)


def as_bytes(lines: Text) -> memoryview:
    """The bytes of all lines, one after the other, without a copy."""
    lines = lines.combine_chunks() if isinstance(lines, pa.ChunkedArray) else lines
    if not len(lines):
        return memoryview(b"")
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)
    first, last = int(ends[lines.offset]), int(ends[lines.offset + len(lines)])
    return memoryview(data)[first:last]


def _padded(micros: I64) -> Text:
    """0 to 999,999 as six digits."""
    places = 10 ** np.arange(5, -1, -1)
    return _fixed_width((micros[:, None] // places % 10 + ord("0")).astype(np.uint8))


def _fixed_width(characters: npt.NDArray[np.uint8]) -> Text:
    """Rows of ASCII characters, shape (N, width), as N strings."""
    rows, width = characters.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(
        rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))
    )
