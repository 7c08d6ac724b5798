"""State as plain arrays: a flat dictionary whose keys are joined with ``/``, so that it can be saved without pickle.

What has state to carry over a restart gives it away with ``export() -> Arrays`` and takes it back with
``restore(arrays)``. What is exported are copies, so it may be saved by another thread while work goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeekml.errors import StateError

Arrays = dict[str, NDArray[Any]]


def under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The same arrays with ``prefix/`` before each key."""
    return {f"{prefix}/{key}": array for key, array in arrays.items()}


def below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The arrays whose keys begin with ``prefix/``, without it."""
    start = f"{prefix}/"
    return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}


def number(value: int) -> NDArray[np.int64]:
    """One whole number as an array of shape ()."""
    return np.array(value, dtype=np.int64)


def taken(
    arrays: Mapping[str, NDArray[Any]], key: str, like: NDArray[Any], rows: int | None = None
) -> NDArray[Any]:
    """``arrays[key]``, which must have the dtype and the shape of ``like`` (but ``rows`` rows, where given).

    Raises StateError.
    """
    shape = like.shape if rows is None else (rows, *like.shape[1:])
    array = arrays.get(key)
    if array is None or array.dtype != like.dtype or array.shape != shape:
        found = "nothing" if array is None else f"{array.dtype} of shape {array.shape}"
        raise StateError(
            f"the state remembered does not fit: {key}: found {found}, expected {like.dtype} of shape {shape}; "
            "it was made by another zeekml or is damaged: begin with a new state folder"
        )
    return array


def pack_texts(texts: Sequence[str]) -> Arrays:
    """Texts as arrays: ``text``, all of them in UTF-8, and ``ends``, where each one ends."""
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    return {
        "text": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "ends": np.cumsum([len(text) for text in encoded], dtype=np.int64),
    }


def unpack_texts(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """The texts that `pack_texts` made arrays of. Raises StateError."""
    ends = taken(arrays, "ends", np.empty(0, dtype=np.int64), len(arrays.get("ends", ())))
    text = taken(arrays, "text", np.empty(0, dtype=np.uint8), int(ends[-1]) if len(ends) else 0).tobytes()
    starts = [0, *ends.tolist()]
    return [text[start:end].decode("utf-8", "surrogateescape") for start, end in pairwise(starts)]
