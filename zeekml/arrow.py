"""Arrow's arrays from numpy's and back without pandas: Arrow's own conversions import it, which takes as long as
reading some hundred thousand connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TEXT: Final = pa.large_string()
_TYPES: Final[dict[np.dtype[Any], pa.DataType]] = {
    np.dtype(np.float64): pa.float64(),
    np.dtype(np.int32): pa.int32(),
    np.dtype(np.int64): pa.int64(),
}
_DTYPES: Final[dict[pa.DataType, np.dtype[Any]]] = {arrow: dtype for dtype, arrow in _TYPES.items()}
_OFFSETS: Final = {pa.string(): np.int32, TEXT: np.int64, pa.binary(): np.int32}

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


def of_numbers(values: npt.NDArray[Any], unset: Mask | None = None) -> pa.Array:
    """An array over float64, int32 or int64 values (N,), which are not copied; null where ``unset`` (N,)."""
    values = np.ascontiguousarray(values)
    buffers = [_validity(unset), pa.py_buffer(values)]
    return pa.Array.from_buffers(_TYPES[values.dtype], len(values), buffers)


def of_bools(values: Mask, unset: Mask | None = None) -> pa.Array:
    """An array of truth values (N,); null where ``unset`` (N,)."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [_validity(unset), _bits(values)])


def of_texts(texts: Sequence[str | None], kind: pa.DataType = TEXT) -> pa.Array:
    """An array of N texts, of Arrow's type ``kind``. Raises UnicodeEncodeError for a lone surrogate."""
    encoded = [b"" if text is None else text.encode() for text in texts]
    ends = np.zeros(len(encoded) + 1, dtype=_OFFSETS[kind])
    np.cumsum([*map(len, encoded)], out=ends[1:])
    unset = np.array([text is None for text in texts], dtype=np.bool_)
    buffers = [_validity(unset), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(kind, len(encoded), buffers)


def numbers_of(array: pa.Array, unset: float) -> npt.NDArray[Any]:
    """The values (N,) of an array of float64, int32 or int64, ``unset`` where they are null; else they are not copied,
    and read-only."""
    values = _values(array)
    return np.where(nulls_of(array), values.dtype.type(unset), values) if array.null_count else values


def codes_of(array: pa.Array, unset: int) -> npt.NDArray[np.int32]:
    """As `numbers_of` for places, none of them below 0, of type int32: nothing is copied either where the values behind
    all that is null are ``unset``, -1 or less, which is what `of_numbers` leaves there."""
    values: npt.NDArray[np.int32] = _values(array)
    if not array.null_count or np.count_nonzero(values == unset) == array.null_count:
        return values
    return np.where(nulls_of(array), np.int32(unset), values)


def bools_of(array: pa.Array) -> Mask:
    """The truth values (N,) of an array, False where they are null."""
    values = _unpacked(array, array.buffers()[1])
    return values & ~nulls_of(array) if array.null_count else values


def nulls_of(array: pa.Array) -> Mask:
    """Which of N values are null."""
    if not array.null_count:
        return np.zeros(len(array), dtype=np.bool_)
    if pa.types.is_null(array.type):
        return np.ones(len(array), dtype=np.bool_)
    return ~_unpacked(array, array.buffers()[0])


def texts_of(array: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets (N + 1,) and data, which is not copied, of an array of texts; null ones read as empty."""
    offsets, data = offsets_of(array)
    return offsets.astype(np.int64, copy=False), data


def offsets_of(array: pa.Array) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """As `texts_of`, with the offsets as they are: int32 or int64."""
    _, offsets, data = array.buffers()
    if not len(array):
        return np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.uint8)
    starts = np.frombuffer(offsets, dtype=_OFFSETS[array.type])[array.offset : array.offset + len(array) + 1]
    return starts, np.frombuffer(data or b"", dtype=np.uint8)


def values_at(array: pa.Array, rows: Rows, out: npt.NDArray[Any], unset: float) -> None:
    """Values of an array of float64, int32, int64 or truth values, those at ``rows`` (M,) within it, into ``out`` (M,)
    of such a type (truth values: int8), ``unset`` where they are null; the others are not looked at."""
    if array.type == pa.bool_():
        out[:] = _bits_at(array, 1, rows)
    else:
        _values(array).take(rows, out=out, mode="clip")  # each is within: to say so spares a copy
    if array.null_count:
        out[_bits_at(array, 0, rows) == 0] = unset


def _bits_at(array: pa.Array, buffer: int, rows: Rows) -> npt.NDArray[np.uint8]:
    at = rows + array.offset
    packed = np.frombuffer(array.buffers()[buffer], dtype=np.uint8)
    bits: npt.NDArray[np.uint8] = packed[at >> 3] >> (at & 7).astype(np.uint8) & np.uint8(1)
    return bits


def _values(array: pa.Array) -> npt.NDArray[Any]:
    held: npt.NDArray[Any] = np.frombuffer(array.buffers()[1] or b"", dtype=_DTYPES[array.type])
    return held[array.offset : array.offset + len(array)]


def _validity(unset: Mask | None) -> pa.Buffer | None:
    return None if unset is None or not unset.any() else _bits(~unset)


def _bits(values: Mask) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def _unpacked(array: pa.Array, bits: pa.Buffer) -> Mask:
    packed = np.frombuffer(bits or b"", dtype=np.uint8)
    stop = array.offset + len(array)
    return np.unpackbits(packed, count=stop, bitorder="little")[array.offset : stop].astype(np.bool_)
