"""The vectors of ``vectors`` and ``leaves`` as kernels name them, without numba being needed for it."""

from __future__ import annotations

from typing import Any, Final

from zeekml.compiled import foreign

_VECTORS: Final = "zeekml.scoring.kernels.vectors"
_LEAVES: Final = "zeekml.scoring.kernels.leaves"

number: Final = foreign(_VECTORS, "number")
store: Final = foreign(_VECTORS, "store")
multiply_add: Final = foreign(_VECTORS, "multiply_add")
total: Final = foreign(_VECTORS, "total")
unlike: Final = foreign(_VECTORS, "unlike")
above_or_missing: Final = foreign(_VECTORS, "above_or_missing")
lowest_bit: Final = foreign(_VECTORS, "lowest_bit")
where_reached: Final = foreign(_VECTORS, "where_reached")
where_known: Final = foreign(_VECTORS, "where_known")
larger: Final = foreign(_VECTORS, "larger")
smaller: Final = foreign(_VECTORS, "smaller")

#: Rows that go through trees together, and what counts of thresholds stay below, but for a missing number.
TOGETHER: Final = 256
MISSING: Final = 127
turned: Final = foreign(_LEAVES, "turned")
no_bytes: Final = foreign(_LEAVES, "no_bytes")
counted: Final = foreign(_LEAVES, "counted")
where_missing: Final = foreign(_LEAVES, "where_missing")
store_bytes: Final = foreign(_LEAVES, "store_bytes")
passed: Final = foreign(_LEAVES, "passed")
no_sums: Final = foreign(_LEAVES, "no_sums")
store_sums: Final = foreign(_LEAVES, "store_sums")


def adder(*, wide: bool) -> Any:
    """``added(sums, leaf, leaves, at)``: the sums and what each row's leaf adds to them."""
    return foreign(_LEAVES, "adder", wide)


def loader(lanes: int) -> Any:
    """``load(array, at)``: the vector of so many numbers from a flat place on."""
    return foreign(_VECTORS, "loader", lanes)


def filler(lanes: int) -> Any:
    """``full(value)``: so many times the same number."""
    return foreign(_VECTORS, "filler", lanes)
