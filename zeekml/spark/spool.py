"""Parcels put in order by one task: what is too much for memory lies in a file until its turn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final, NamedTuple

from zeekml.spark.aside import local_folder
from zeekml.spark.parcels import Parcel

IN_MEMORY: Final = 128 << 20
"""Bytes that a task holds of what it puts in order."""


class _Spilled(NamedTuple):
    at: int
    size: int


def in_order(
    parcels: Iterable[Parcel], key: Callable[[Parcel], Any], in_memory: int | None = None
) -> Iterator[Parcel]:
    """All parcels by ``key``; those of one key in any order. ``in_memory``: bytes held, None: `IN_MEMORY`. Data that is
    no bytes says where it lies, and stays as it is.

    Raises OSError where the disk is full.
    """
    most = IN_MEMORY if in_memory is None else in_memory
    held: list[Parcel] = []
    size = 0
    spilled: IO[bytes] | None = None
    try:
        for parcel in parcels:
            if not isinstance(parcel.data, bytes):
                pass  # it lies elsewhere
            elif size + len(parcel.data) > most:
                # Without a name, so that it goes with this process however that ends.
                spilled = spilled or tempfile.TemporaryFile(prefix="zeekml-", dir=local_folder())  # noqa: SIM115
                at = spilled.tell()
                spilled.write(parcel.data)
                parcel = parcel._replace(data=_Spilled(at, len(parcel.data)))  # noqa: PLW2901
            else:
                size += len(parcel.data)
            held.append(parcel)
        if spilled is not None:
            spilled.flush()
        held.sort(key=key, reverse=True)
        while held:  # so that each is let go once it was used
            parcel = held.pop()
            if spilled is not None and isinstance(parcel.data, _Spilled):
                parcel = parcel._replace(data=os.pread(spilled.fileno(), parcel.data.size, parcel.data.at))
            yield parcel
    finally:
        if spilled is not None:
            spilled.close()
