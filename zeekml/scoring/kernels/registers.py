"""The vectors of ``vectors`` and ``leaves`` as kernels name them, without numba being needed for it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import foreign

_VECTORS: Final = "zeekml.scoring.kernels.vectors"
_LEAVES: Final = "zeekml.scoring.kernels.leaves"
_LINE: Final = 64  # bytes

number: Final = foreign(_VECTORS, "number")
store: Final = foreign(_VECTORS, "store")
store_whole: Final = foreign(_VECTORS, "store_whole")
turned: Final = foreign(_VECTORS, "turned")
multiply_add: Final = foreign(_VECTORS, "multiply_add")
total: Final = foreign(_VECTORS, "total")
unlike: Final = foreign(_VECTORS, "unlike")
lowest_bit: Final = foreign(_VECTORS, "lowest_bit")
where_reached: Final = foreign(_VECTORS, "where_reached")
where_known: Final = foreign(_VECTORS, "where_known")
larger: Final = foreign(_VECTORS, "larger")
smaller: Final = foreign(_VECTORS, "smaller")

#: Rows that go through trees together, and what counts of thresholds stay below, but for a missing number.
TOGETHER: Final = 256
MISSING: Final = 127
no_bytes: Final = foreign(_LEAVES, "no_bytes")
counted: Final = foreign(_LEAVES, "counted")
where_missing: Final = foreign(_LEAVES, "where_missing")
store_bytes: Final = foreign(_LEAVES, "store_bytes")
load_bytes: Final = foreign(_LEAVES, "load_bytes")
passed: Final = foreign(_LEAVES, "passed")
no_sums: Final = foreign(_LEAVES, "no_sums")
store_sums: Final = foreign(_LEAVES, "store_sums")


def searcher(levels: int) -> Any:
    """``found(values, at, table, place)``: how many of a table's numbers lie below each row's value."""
    return foreign(_LEAVES, "searcher", levels)


def in_line(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers, from the beginning of a cache's line on: whatever fills a register is then in one line."""
    room = np.empty(array.nbytes + _LINE, np.uint8)
    begin = -room.ctypes.data % _LINE
    moved = room[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def adder(*, wide: bool) -> Any:
    """``added(sums, leaf, leaves, at)``: the sums and what each row's leaf adds to them."""
    return foreign(_LEAVES, "adder", wide)


def loader(lanes: int) -> Any:
    """``load(array, at)``: the vector of so many numbers from a flat place on."""
    return foreign(_VECTORS, "loader", lanes)


def filler(lanes: int) -> Any:
    """``full(value)``: so many times the same number."""
    return foreign(_VECTORS, "filler", lanes)
