"""The last step on the executors: sorted results are joined, so that the driver is handed few rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from zeekml.spark import parcels
from zeekml.spark.parcels import Kinds, Parcel

_BYTES: Final = 1 << 20


def in_order(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """For ``mapInArrow``: lines of zeekml.log that follow each other become one row, up to a mebibyte."""
    held: list[Parcel] = []
    size = 0
    for batch in batches:
        for row in parcels.parcels_in(batch):
            if held and (row.kind != Kinds.LOGGED or size >= _BYTES):
                yield _joined(held)
                held, size = [], 0
            if row.kind == Kinds.LOGGED:
                held.append(row)
                size += len(row.data)
            else:
                yield parcels.batch_of([row])
    if held:
        yield _joined(held)


def _joined(rows: list[Parcel]) -> pa.RecordBatch:
    first = rows[0]
    data = b"".join(row.data for row in rows)
    return parcels.batch_of(
        [Parcel(first.place, first.stream, first.part, first.line, first.kind, first.seq, data)]
    )
