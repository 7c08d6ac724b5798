"""What goes through Spark's shuffles: many connections in one row, so that Spark moves bytes and not fields.

A parcel holds the connections of some hosts from one stretch of a log, in log order, or says where they lie. Its
``place`` is the partition that all of these hosts' connections go to. Results take the same form on their way back.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.features.keyed import mix
from zeekml.table import Labels

Lines = npt.NDArray[np.int64]

SCHEMA: Final = "place int, stream int, part int, line bigint, kind int, seq int, data binary"
"""Of parcels and results, as a DataFrame. ``stream`` and ``part``: their numbers; ``line``: in its part, of what it
says."""

_NUMBERS: Final = ("place", "stream", "part", "line", "kind", "seq")
PART_END: Final = 1 << 62
"""The line of what is told of a whole part: after all others."""
STREAM_END: Final = (1 << 31) - 1
"""The part of what is told of a whole stream."""


class Kinds(IntEnum):
    """What a row is; at one line, the lower number comes first."""

    CONNECTIONS = 0
    HEALTH = 1
    MARK = 2
    LOGGED = 3
    NOTICE = 4
    REJECT = 5
    END = 6
    FINDING = 7
    TALLY = 8


class Parcel(NamedTuple):
    """One row of `SCHEMA`; on one machine its data may say where it lies (`zeekml.spark.aside.Lying`,
    `zeekml.spark.packing.Picked`)."""

    place: int
    stream: int
    part: int
    line: int
    kind: int
    seq: int
    data: Any


def parcels_in(batch: pa.RecordBatch) -> Iterator[Parcel]:
    """The rows of what Spark gives of a DataFrame; ``data`` is a view of its memory."""
    numbers = [batch.column(name).to_pylist() for name in _NUMBERS]
    data = batch.column("data")
    for at, (place, stream, part, line, kind, seq) in enumerate(zip(*numbers, strict=True)):
        yield Parcel(place, stream, part, line, kind, seq, memoryview(data[at].as_buffer()))


def places_of(hosts: Labels, stream: int, places: int) -> npt.NDArray[np.int64]:
    """The place of each connection (N,) by its host and the number of its stream."""
    keys = hosts.texts.hashes
    by_host = mix(keys, np.full(len(keys), stream)) % np.uint64(places)
    return by_host.astype(np.int64)[hosts.codes]
