"""Parcels put in order by one task: what is too much for memory lies in a file until its turn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final

from zeekml.spark.parcels import Parcel

IN_MEMORY: Final = 128 << 20
"""Bytes that a task holds of what it puts in order."""


def in_order(
    parcels: Iterable[Parcel], key: Callable[[Parcel], Any], in_memory: int | None = None
) -> Iterator[Parcel]:
    """All parcels by ``key``; those of one key in any order. ``in_memory``: bytes held, None: `IN_MEMORY`.

    Raises OSError where the disk is full.
    """
    most = IN_MEMORY if in_memory is None else in_memory
    held: list[Parcel] = []
    size = 0
    spilled: IO[bytes] | None = None
    try:
        for parcel in parcels:
            if size + len(parcel.data) > most:
                # Without a name, so that it goes with this process however that ends.
                spilled = spilled or tempfile.TemporaryFile(prefix="zeekml-", dir=_folder())  # noqa: SIM115
                at = spilled.tell()
                spilled.write(parcel.data)
                parcel = parcel._replace(data=(at, len(parcel.data)))  # noqa: PLW2901
            else:
                size += len(parcel.data)
            held.append(parcel)
        if spilled is not None:
            spilled.flush()
        held.sort(key=key, reverse=True)
        while held:  # so that each is let go once it was used
            parcel = held.pop()
            if spilled is not None and isinstance(parcel.data, tuple):
                at, length = parcel.data
                parcel = parcel._replace(data=os.pread(spilled.fileno(), length, at))
            yield parcel
    finally:
        if spilled is not None:
            spilled.close()


def _folder() -> str | None:
    """Where Spark keeps what does not fit into memory; None: where this system does."""
    folders = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")
    return next((folder for folder in folders if os.path.isdir(folder)), None)  # noqa: PTH112
