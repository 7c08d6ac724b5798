"""conn.log as Zeek writes it with ``use_json``: one object a line, dotted keys, unset keys absent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zeekml.errors import ConfigError
from zeekml.simulate import text
from zeekml.simulate.addresses import is_local
from zeekml.simulate.table import HISTORIES, I64, LABELS, MICROSECONDS, PROTOS, SERVICES, STATES, Connections

TIMESTAMPS = ("epoch", "millis", "iso8601")
"""Zeek's ``json_timestamps``: seconds with a fraction (its default), whole milliseconds, ISO 8601 in UTC."""


def lines(table: Connections, timestamps: str, *, labels: bool) -> text.Text:
    """One object for each connection, newline included. ConfigError for an unknown form of time."""
    local = is_local(table.orig_h).view("u1"), is_local(table.resp_h).view("u1")
    fragments = [
        text.joined('{"ts":', _timestamps(table.ts, timestamps)),
        text.joined(',"uid":"', text.uids(table.number), '"'),
        text.joined(',"id.orig_h":"', text.addresses(table.orig_h), '"'),
        text.joined(',"id.orig_p":', text.counts(table.orig_p)),
        text.joined(',"id.resp_h":"', text.addresses(table.resp_h), '"'),
        text.joined(',"id.resp_p":', text.counts(table.resp_p)),
        text.joined(',"proto":"', text.words(table.proto, PROTOS), '"'),
        text.joined(',"service":"', text.words(table.service, SERVICES), '"'),
        text.joined(',"duration":', _intervals(table)),
        text.joined(',"orig_bytes":', text.counts(table.orig_bytes)),
        text.joined(',"resp_bytes":', text.counts(table.resp_bytes)),
        text.joined(',"conn_state":"', text.words(table.conn_state, STATES), '"'),
        text.words(local[0], (',"local_orig":false', ',"local_orig":true')),
        text.words(local[1], (',"local_resp":false', ',"local_resp":true')),
        ',"missed_bytes":0',
        text.joined(',"history":"', text.words(table.history, HISTORIES), '"'),
        text.joined(',"orig_pkts":', text.counts(table.orig_pkts)),
        text.joined(',"orig_ip_bytes":', text.counts(table.orig_ip_bytes)),
        text.joined(',"resp_pkts":', text.counts(table.resp_pkts)),
        text.joined(',"resp_ip_bytes":', text.counts(table.resp_ip_bytes)),
        text.words(table.label, [_label(*pair) for pair in LABELS]) if labels else "",
        "}\n",
    ]
    return pc.binary_join_element_wise(*fragments, "", null_handling="replace", null_replacement="")


def _timestamps(micros: I64, form: str) -> text.Text:
    if form == "epoch":
        return text.seconds_short(micros)
    if form == "millis":
        return text.counts(micros // 1000)
    if form == "iso8601":
        return text.joined('"', text.date_times(micros, "Z"), '"')
    raise ConfigError(f"JSON time stamps {form!r}: expected one of {', '.join(TIMESTAMPS)}")


def _intervals(table: Connections) -> text.Text:
    """Durations as Zeek has them, the difference of two doubles, with all their digits."""
    difference = table.ends / MICROSECONDS - table.ts / MICROSECONDS
    return pc.cast(pa.array(difference, mask=np.asarray(table.duration < 0)), pa.string())


def _label(label: str, detail: str | None) -> str:
    return f',"label":"{label}"' + (f',"detailed-label":"{detail}"' if detail else "")
