"""The connections that alerts and notices are about, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from zeekml.alerts.notices import Notice
from zeekml.table import Frame, Table


class Connection(NamedTuple):
    """What is told of a connection; ``ts`` in epoch s, ``service`` None where it is not known."""

    ts: float
    uid: str
    orig_h: str
    orig_p: int
    resp_h: str
    resp_p: int
    proto: str
    service: str | None


def connections_of(notices: Sequence[Notice], frame: Frame) -> Iterator[Connection]:
    """The connection of a batch frame that each notice is written with."""
    some = Table.of(frame).part(np.array([notice.row for notice in notices], dtype=np.int64))
    columns = (
        some.number("ts").tolist(),
        some.text("uid").to_pylist(),
        some.label("id.orig_h").tolist(),
        some.port("id.orig_p").tolist(),
        some.label("id.resp_h").tolist(),
        some.port("id.resp_p").tolist(),
        some.label("proto").tolist(),
        some.label("service").tolist(),
    )
    return map(Connection._make, zip(*columns, strict=True))
