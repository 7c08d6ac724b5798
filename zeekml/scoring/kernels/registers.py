"""The vectors of ``vectors`` and ``words`` as kernels name them, without numba being needed for it."""

from __future__ import annotations

from typing import Any, Final

from zeekml.compiled import foreign

_VECTORS: Final = "zeekml.scoring.kernels.vectors"
_WORDS: Final = "zeekml.scoring.kernels.words"

number: Final = foreign(_VECTORS, "number")
store: Final = foreign(_VECTORS, "store")
multiply_add: Final = foreign(_VECTORS, "multiply_add")
total: Final = foreign(_VECTORS, "total")
unlike: Final = foreign(_VECTORS, "unlike")
above: Final = foreign(_VECTORS, "above")
above_or_missing: Final = foreign(_VECTORS, "above_or_missing")
ones: Final = foreign(_VECTORS, "ones")
lowest_bit: Final = foreign(_VECTORS, "lowest_bit")
prefetch: Final = foreign(_VECTORS, "prefetch")
where_reached: Final = foreign(_VECTORS, "where_reached")
where_known: Final = foreign(_VECTORS, "where_known")
larger: Final = foreign(_VECTORS, "larger")
smaller: Final = foreign(_VECTORS, "smaller")

#: Words of 16 bits that are held together.
TOGETHER: Final = 64
full_words: Final = foreign(_WORDS, "full_words")
load_words: Final = foreign(_WORDS, "load_words")
store_words: Final = foreign(_WORDS, "store_words")
other_lowest: Final = foreign(_WORDS, "other_lowest")
struck: Final = foreign(_WORDS, "struck")
store_lowest: Final = foreign(_WORDS, "store_lowest")


def loader(lanes: int) -> Any:
    """``load(array, at)``: the vector of so many numbers from a flat place on."""
    return foreign(_VECTORS, "loader", lanes)


def filler(lanes: int) -> Any:
    """``full(value)``: so many times the same number."""
    return foreign(_VECTORS, "filler", lanes)
