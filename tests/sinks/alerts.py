"""Alerts for the optional sinks: those of the sample, one full of hostile texts, and any that hypothesis makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from tests.alerts.logs import CLASSES
from tests.sinks.samples import MARKS, MODEL, POLICY, sample
from zeekml.alerts import AlertEngine, Explained
from zeekml.health import CODES
from zeekml.sinks.alert import AlertRecord, alert_records

MADE = 1_795_458_606.25

HOSTILE = '\x1b[31m\t\r\n|=]"\\ \u202e\u2028\x85 \udcff <13>1 - #fields'
"""Tabs, line ends, terminal escapes, delimiters of every format, a byte that is no UTF-8."""


def sample_alerts() -> list[AlertRecord]:
    """The alerts of the sample's notices, and one in which every text is hostile."""
    frame, scores = sample()
    alerts = AlertEngine(POLICY, CLASSES).process(frame, scores, "conn").marked(MARKS.at)
    rows = alerts.rows_to_explain(np.array([], dtype=np.int64))
    explained = Explained(rows, [f"failed_share=0.98, tries={row}" for row in rows])
    records = alert_records(alerts.notices, frame, explained, stream="conn", model=MODEL, made=MADE)
    worst = replace(
        records[0], id="f" * 32, uid=HOSTILE, orig_h=HOSTILE, resp_h="2001:db8::7", proto="sctp" + HOSTILE,
        service=HOSTILE, reasons=HOSTILE, model=HOSTILE, stream="/logs/" + HOSTILE, class_name=HOSTILE,
        peers=(HOSTILE, "198.51.100.7", "a,b"), ports=("0/" + HOSTILE, "23/tcp"),
    )  # fmt: skip
    return [*records, worst]


def some_alerts(count: int, first: int = 0) -> list[AlertRecord]:
    """So many alerts, alike but for id and uid."""
    model = sample_alerts()[0]
    return [replace(model, id=f"{number:032x}", uid=f"C{number}") for number in range(first, first + count)]


def ids(records: Iterable[AlertRecord]) -> list[str]:
    return [record.id for record in records]


_TEXTS = st.text(max_size=30) | st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
_NASTY = st.lists(
    st.sampled_from(
        ["\t", "\n", "\r", "\x1b[2J", "|", "=", "]", '"', "\\", "-", "#", " ", "\u2028", "x", "\udc80"]
    ),
    max_size=12,
).map("".join)
_ANY_TEXT = _TEXTS | _NASTY
_PORTS = st.integers(0, 65535)
_TIMES = st.floats(0, 4e9).map(lambda value: round(value, 6))


def alerts_of_any_text() -> st.SearchStrategy[AlertRecord]:
    """Alerts whose texts from the log are arbitrary."""
    return st.builds(
        AlertRecord,
        id=st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}"),
        note=st.sampled_from(["ZeekML::Botnet_Connection", "ZeekML::Botnet_Host"]),
        class_name=_ANY_TEXT,
        score=st.floats(0, 1),
        evidence=st.none() | st.floats(0, 1000),
        n=st.integers(1, 10**9),
        suppress_for=st.floats(0, 1e6),
        reasons=_ANY_TEXT,
        model=_ANY_TEXT,
        stream=_ANY_TEXT,
        ts=_TIMES,
        uid=_ANY_TEXT,
        orig_h=_ANY_TEXT | st.ip_addresses().map(str),
        orig_p=_PORTS,
        resp_h=_ANY_TEXT | st.ip_addresses().map(str),
        resp_p=_PORTS,
        proto=st.sampled_from(["tcp", "udp", "icmp", "ipv6-icmp"]) | _ANY_TEXT,
        service=st.none() | _ANY_TEXT,
        made=_TIMES,
        sensor=st.lists(st.sampled_from(CODES), unique=True).map(tuple),
        peers=st.lists(_ANY_TEXT | st.ip_addresses().map(str), max_size=5).map(tuple),
        ports=st.lists(_ANY_TEXT | st.just("23/tcp"), max_size=5).map(tuple),
    )
