"""Arrow's texts converted, picked and put together without `pyarrow.compute`, which takes 20 ms to load.

Loading it wraps every function that Arrow has, and the methods of Arrow's own arrays that make new ones load it too.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zeekml.arrow import TEXT, of_texts, offsets_of, texts_of
from zeekml.text_kernels import Bytes, Starts, write_picked


def as_texts(array: pa.Array) -> pa.Array:
    """The same texts as an array of type `TEXT`, whose bytes are not copied."""
    if array.type == TEXT:
        return array
    if array.type != pa.string() or array.null_count:
        return array.cast(TEXT)
    starts, _ = texts_of(array)
    return pa.Array.from_buffers(TEXT, len(array), [None, pa.py_buffer(starts), array.buffers()[2]])


def picked(array: pa.Array, places: NDArray[np.int64]) -> pa.Array:
    """The texts at these places (M,), each within the array; of type `TEXT` where none is null."""
    if array.null_count:
        return array.take(pa.array(places))
    offsets, text = offsets_of(array)
    # Where those begin and end that are wanted: to make all offsets wider takes longer.
    bounds = np.empty((len(places), 2), dtype=np.int64)
    bounds[:, 0], bounds[:, 1] = offsets[places], offsets[places + 1]
    return _written(bounds.reshape(-1), text, np.arange(0, 2 * len(places), 2), "", "")


def wrapped(array: pa.Array, before: str, after: str) -> pa.Array:
    """Each text (N,) with these around it, an array of type `TEXT`; null where it is null."""
    if array.null_count:
        import pyarrow.compute as pc  # noqa: PLC0415 - see above

        around = of_texts([before, after, ""])
        return pc.binary_join_element_wise(around[0], as_texts(array), around[1], around[2])
    starts, text = texts_of(array)
    return _written(starts, text, np.arange(len(array)), before, after)


def _written(starts: Starts, text: Bytes, places: NDArray[np.int64], before: str, after: str) -> pa.Array:
    first, last = _bytes(before), _bytes(after)
    size = int((starts[places + 1] - starts[places]).sum()) + len(places) * (len(first) + len(last))
    ends, out = np.empty(len(places) + 1, dtype=np.int64), np.empty(size, dtype=np.uint8)
    write_picked(starts, text, places, first, last, ends, out)
    return pa.Array.from_buffers(TEXT, len(places), [None, pa.py_buffer(ends), pa.py_buffer(out)])


@lru_cache
def _bytes(text: str) -> Bytes:
    return np.frombuffer(text.encode(), dtype=np.uint8)
