"""The same traffic as Suricata's eve.json would tell it: flow events, with other events in between."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zeekml.simulate import text
from zeekml.simulate.shapes import ICMP, TCP
from zeekml.simulate.table import (
    BENIGN,
    HISTORIES,
    I64,
    MICROSECONDS,
    PROTOS,
    SERVICES,
    STATES,
    Codes,
    Connections,
    Mask,
)

LINK_HEADER = 14  # bytes a packet that Suricata counts and Zeek does not
TIMEOUT = 60 * MICROSECONDS  # a flow is written when it times out

_APP_PROTOS = {"ssl": "tls", "quic,ssl": "quic"}
_TCP_ENDS: dict[str, tuple[str, str, str, str]] = {
    # conn_state: flow state, TCP flags to the server, to the client, TCP state
    "SF": ("closed", "1b", "1b", "closed"),
    "S0": ("new", "02", "00", "syn_sent"),
    "S1": ("established", "1a", "1a", "established"),
    "S3": ("established", "1a", "1b", "close_wait"),
    "REJ": ("closed", "02", "14", "closed"),
    "RSTO": ("closed", "1e", "1a", "closed"),
    "RSTR": ("closed", "1b", "1e", "closed"),
}
_FLAGS = (("syn", 0x02), ("fin", 0x01), ("rst", 0x04), ("psh", 0x08), ("ack", 0x10))
_HALF_OPEN = HISTORIES.index("Sh")

_EVENTS: tuple[tuple[str, str], ...] = (
    ("dns", '"dns":{"version":2,"type":"query","id":4711,"rrname":"www.example.org","rrtype":"A","tx_id":0}'),
    ("http", '"tx_id":0,"http":{"hostname":"www.example.org","url":"/","http_method":"GET","status":200}'),
    ("tls", '"tls":{"sni":"www.example.org","version":"TLS 1.3"}'),
    ("alert", '"alert":{"action":"allowed","gid":1,"signature_id":9000001,"rev":1,"signature":"made up",'
              '"category":"Misc activity","severity":3}'),
)  # fmt: skip
_SERVICE_EVENTS = {"dns": 0, "http": 1, "ssl": 2}
_ALERT = 3


def lines(table: Connections) -> text.Text:
    """For each connection its flow event, newline included, some with an event of another type before it."""
    ends = table.ends
    ids = text.counts((table.number >> np.uint64(13)).astype(np.int64))
    parties = _parties(table)
    icmp, tcp = table.proto == ICMP, table.proto == TCP
    answered = table.resp_pkts > 0
    flow = [
        text.joined('{"timestamp":"', text.date_times(ends + TIMEOUT, "+0000")),
        text.joined('","flow_id":', ids, ',"event_type":"flow"'),
        parties,
        pc.if_else(pa.array(icmp & answered), ',"response_icmp_type":0,"response_icmp_code":0', ""),
        text.joined(',"app_proto":"', _app_protos(table), '"'),
        text.joined(',"flow":{"pkts_toserver":', text.counts(table.orig_pkts)),
        text.joined(',"pkts_toclient":', text.counts(table.resp_pkts)),
        text.joined(',"bytes_toserver":', text.counts(table.orig_ip_bytes + LINK_HEADER * table.orig_pkts)),
        text.joined(',"bytes_toclient":', text.counts(table.resp_ip_bytes + LINK_HEADER * table.resp_pkts)),
        text.joined(',"start":"', text.date_times(table.ts, "+0000")),
        text.joined('","end":"', text.date_times(ends, "+0000")),
        text.joined('","age":', text.counts((ends - table.ts) // MICROSECONDS)),
        _endings(table, tcp, answered),
        "}\n",
    ]
    told = pc.binary_join_element_wise(*flow, "", null_handling="replace", null_replacement="")
    return text.joined(_other_events(table, ids, parties), told)


def _parties(table: Connections) -> text.Text:
    """Addresses, ports (ICMP: type and code) and protocol."""
    icmp = pa.array(table.proto == ICMP)
    source, target = text.addresses(table.orig_h), text.addresses(table.resp_h)
    orig_p, resp_p = text.counts(table.orig_p), text.counts(table.resp_p)
    with_ports = text.joined(
        ',"src_ip":"', source, '","src_port":', orig_p, ',"dest_ip":"', target, '","dest_port":', resp_p,
        ',"proto":"', text.words(table.proto, [name.upper() for name in PROTOS]), '"',
    )  # fmt: skip
    without = text.joined(
        ',"src_ip":"',
        source,
        '","dest_ip":"',
        target,
        '","proto":"ICMP","icmp_type":',
        orig_p,
        ',"icmp_code":',
        resp_p,
    )
    return pc.if_else(icmp, without, with_ports)


def _app_protos(table: Connections) -> text.Text:
    """Suricata's name for the service; ``failed`` where there was payload it could not name."""
    names = [_APP_PROTOS.get(name, name) if name else None for name in SERVICES]
    payload = (table.orig_bytes > 0) & (table.proto != ICMP)
    return pc.coalesce(text.words(table.service, names), pc.if_else(pa.array(payload), "failed", None))


def _endings(table: Connections, tcp: Mask, answered: Mask) -> text.Text:
    """From the flow's state to the end of the event but its last brace."""
    tcp_texts = [_tcp_ending(*_TCP_ENDS[state]) if state in _TCP_ENDS else "" for state in STATES]
    half_open = _tcp_ending("new", "02", "12", "syn_recv")
    code = np.where(table.history == _HALF_OPEN, len(STATES), table.conn_state)
    code = np.where(tcp, code, len(STATES) + 1 + answered).astype(np.uint8)
    return text.words(code, [*tcp_texts, half_open, _ending("new"), _ending("established")])


def _ending(state: str) -> str:
    return f',"state":"{state}","reason":"timeout","alerted":false}}'


def _tcp_ending(state: str, to_server: str, to_client: str, tcp_state: str) -> str:
    both = int(to_server, 16) | int(to_client, 16)
    flags = "".join(f'"{name}":true,' for name, bit in _FLAGS if both & bit)
    return (
        f'{_ending(state)},"tcp":{{"tcp_flags":"{both:02x}","tcp_flags_ts":"{to_server}",'
        f'"tcp_flags_tc":"{to_client}",{flags}"state":"{tcp_state}"}}'
    )


def _other_events(table: Connections, ids: text.Text, parties: text.Text) -> text.Text:
    """What comes before each flow event: nothing for most, else a dns, http, tls, alert or stats event."""
    draw = table.number % np.uint64(1000)
    kind = _event_kinds(table.service)
    kind = np.where((table.label != BENIGN) & (draw % np.uint64(50) == 7), _ALERT, kind)
    shown = (kind >= 0) & ((draw % np.uint64(3) == 0) | (kind == _ALERT))
    rows = np.flatnonzero(shown)
    some = pa.array(rows)
    events = text.joined(
        '{"timestamp":"', text.date_times(table.ts[rows], "+0000"), '","flow_id":', ids.take(some),
        text.words(kind[rows].astype(np.uint8), [f',"event_type":"{name}"' for name, _ in _EVENTS]),
        parties.take(some),
        text.words(kind[rows].astype(np.uint8), [f",{content}}}\n" for _, content in _EVENTS]),
    )  # fmt: skip
    place = np.where(shown, np.cumsum(shown) - 1, -1)
    before = events.take(pa.array(place, mask=place < 0)).fill_null("")
    return text.joined(before, _stats(table.ts, draw == 5))


def _event_kinds(services: Codes) -> I64:
    kinds = np.array([_SERVICE_EVENTS.get(name or "", -1) for name in SERVICES], dtype=np.int64)
    return kinds[services]


def _stats(ts: I64, shown: Mask) -> text.Text:
    stamps = text.date_times(ts, "+0000")
    event = text.joined(
        '{"timestamp":"', stamps, '","event_type":"stats","stats":{"uptime":60,"decoder":{"pkts":1}}}\n'
    )
    return pc.if_else(pa.array(shown), event, "")
