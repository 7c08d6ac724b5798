"""The columns of a connection batch: Zeek's names, units and kinds.

Source of names and kinds: Zeek's ``Conn::Info`` record as written to ``conn.log``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["time", "string", "label", "port", "number", "bool"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the batch frame.

    ``kind`` fixes the type: time and number are float64 (seconds, bytes, packets), port is int32, string and label are
    texts (a label's occur many times), bool is true, false or unset. In a pandas frame they are ``str``, ``category``
    and the nullable ``boolean``.
    """

    name: str
    kind: Kind
    required: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("ts", "time", required=True),
    Column("uid", "string"),
    Column("id.orig_h", "label", required=True),
    Column("id.orig_p", "port", required=True),
    Column("id.resp_h", "label", required=True),
    Column("id.resp_p", "port", required=True),
    Column("proto", "label", required=True),
    Column("service", "label"),
    Column("duration", "number"),
    Column("orig_bytes", "number"),
    Column("resp_bytes", "number"),
    Column("conn_state", "label", required=True),
    Column("local_orig", "bool"),
    Column("local_resp", "bool"),
    Column("missed_bytes", "number"),
    Column("history", "label"),
    Column("orig_pkts", "number"),
    Column("orig_ip_bytes", "number"),
    Column("resp_pkts", "number"),
    Column("resp_ip_bytes", "number"),
)

NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.required)
