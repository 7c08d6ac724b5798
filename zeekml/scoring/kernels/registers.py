"""The vectors of ``zeekml.scoring.kernels.vectors`` as kernels name them, without numba being needed for it."""

from __future__ import annotations

from typing import Any, Final

from zeekml.compiled import foreign

_VECTORS: Final = "zeekml.scoring.kernels.vectors"

number: Final = foreign(_VECTORS, "number")
store: Final = foreign(_VECTORS, "store")
multiply_add: Final = foreign(_VECTORS, "multiply_add")
total: Final = foreign(_VECTORS, "total")
unlike: Final = foreign(_VECTORS, "unlike")
above_or_missing: Final = foreign(_VECTORS, "above_or_missing")
lowest_bit: Final = foreign(_VECTORS, "lowest_bit")
prefetch: Final = foreign(_VECTORS, "prefetch")
where_reached: Final = foreign(_VECTORS, "where_reached")
where_known: Final = foreign(_VECTORS, "where_known")
larger: Final = foreign(_VECTORS, "larger")
smaller: Final = foreign(_VECTORS, "smaller")


def loader(lanes: int) -> Any:
    """``load(array, at)``: the vector of so many numbers from a flat place on."""
    return foreign(_VECTORS, "loader", lanes)


def filler(lanes: int) -> Any:
    """``full(value)``: so many times the same number."""
    return foreign(_VECTORS, "filler", lanes)
