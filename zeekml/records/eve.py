"""Suricata's EVE log: ``flow`` events as connections, every other event passed over.

Sources: Suricata's EVE JSON format (flow and tcp objects) and Zeek's ``conn_state`` and ICMP ports
(``base/protocols/conn/main.zeek``, ``ICMP.cc``). ``docs/input.md`` has the table and how
far it agrees with Zeek.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from zeekml.records import times, values
from zeekml.records.frame import Rows, merged
from zeekml.records.lines import Block, Content
from zeekml.records.objects import SMALL, Builder, Found, Object, completed
from zeekml.records.rejects import Rejects
from zeekml.records.values import BadLine, UidMaker
from zeekml.records.zeek_json import parse_odd

if TYPE_CHECKING:
    from zeekml.records.columns import FastRows
    from zeekml.records.eve_fast import FastEve

LINK_HEADER = 14  # bytes of Ethernet header that Suricata counts in each packet and Zeek does not
_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_SYN_ACK = _SYN | _ACK

# Zeek's names for what Suricata names otherwise; "failed" is what Suricata says when it could not tell.
_SERVICES = {"tls": "ssl", "dcerpc": "dce_rpc", "krb5": "krb", "failed": None, "unknown": None}
_PROTOCOLS = {"ipv6-icmp": "icmp"}
# Zeek writes the type of the answer as the responder's port, where there is an answer.
_ICMP_ANSWERS = {8: 0, 0: 8, 10: 9, 9: 10, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
_ICMP6_ANSWERS = {
    128: 129,
    129: 128,
    133: 134,
    134: 133,
    135: 136,
    136: 135,
    139: 140,
    140: 139,
    144: 145,
    145: 144,
}


class EveReader:
    """Reads the blocks of one file. Other events count as passed over, broken lines as rejects.

    ``fast=False`` reads object by object; the result is the same.
    """

    def __init__(self, source: str, rejects: Rejects, make_uid: UidMaker, *, fast: bool = True) -> None:
        self._source = source
        self._rejects = rejects
        self._make_uid = make_uid
        self._may_be_fast = fast
        self._fast: FastEve | None = None
        self._builder = Builder(source, rejects, make_uid, fast=fast)
        self._has_flows = False

    def read(self, block: Block) -> Iterator[Rows]:
        """Yield the flows of ``block`` in line order."""
        read = self._read_fast(block.data) if self._may_be_fast and len(block.data) >= SMALL else None
        if read is None:
            yield self._read_exactly(Found(block))
            return
        fast, others = read
        self._rejects.passed_over += others
        self._has_flows |= len(fast.places) > 0
        rows = completed(fast, block, self._make_uid)
        yield merged(rows, self._read_exactly(Found(block, fast.odd))) if len(fast.odd) else rows

    def _read_fast(self, data: Content) -> tuple[FastRows, int] | None:
        if self._fast is None:
            # Loaded with the first block that is long enough: kernels take their time.
            from zeekml.records.eve_fast import FastEve  # noqa: PLC0415

            self._fast = FastEve(_PROTOCOLS, _SERVICES, (_ICMP_ANSWERS, _ICMP6_ANSWERS))
        return self._fast.read(data)

    def _read_exactly(self, found: Found) -> Rows:
        with self._rejects.by_line():
            self._find_flows(found)
            return self._builder.rows(found)

    def _find_flows(self, found: Found) -> None:
        for place, line in enumerate(found.lines):
            number = int(found.numbers[place])
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                event = parse_odd(line, number, self._source, self._rejects)
                if event is None:
                    continue
            kind = event.get("event_type") if type(event) is dict else None
            if not isinstance(kind, str):
                why = values.unset("event_type") if type(event) is dict else "not a JSON object"
                self._rejects.add(self._source, number, why, line)
            elif kind != "flow":
                self._rejects.passed_over += 1
            else:
                self._has_flows = True
                try:
                    found.objects.append(connection(event))
                except BadLine as reason:
                    self._rejects.add(self._source, number, str(reason), line)
                else:
                    found.places.append(place)

    def end(self) -> None:
        """The file was read to its end."""
        if not self._has_flows:
            self._rejects.without_flows.append(self._source)


def connection(event: Object) -> Object:
    """Return a ``flow`` event under Zeek's keys. Raises BadLine naming Suricata's field."""
    flow = event.get("flow")
    if not isinstance(flow, dict):
        raise BadLine(values.unset("flow"))
    start = _moment(flow, "start")
    if start is None:
        raise BadLine(values.unset("flow.start"))
    end = _moment(flow, "end")
    if end is not None and end < start:
        raise BadLine(values.expected("flow.end", "after flow.start"))
    orig_packets, resp_packets = _count(flow, "pkts_toserver"), _count(flow, "pkts_toclient")
    proto = _text(event, "proto").lower()
    version6 = ":" in _text(event, "src_ip")
    orig_port, resp_port = _ports(event, proto, version6=version6)
    # Zeek leaves the duration of a single packet unset.
    timed = end is not None and (orig_packets or 0) + (resp_packets or 0) > 1
    service = event.get("app_proto")
    return {
        "ts": values.check_time("flow.start", start / 1e6),
        "uid": _flow_id(event),
        "id.orig_h": event["src_ip"],
        "id.orig_p": orig_port,
        "id.resp_h": _text(event, "dest_ip"),
        "id.resp_p": resp_port,
        "proto": _PROTOCOLS.get(proto, proto),
        "service": _SERVICES.get(service, service) if isinstance(service, str) else service,
        "duration": (end - start) / 1e6 if timed and end is not None else None,
        "conn_state": conn_state(proto, event.get("tcp"), orig_packets, resp_packets),
        "orig_pkts": orig_packets,
        "orig_ip_bytes": _ip_bytes(_count(flow, "bytes_toserver"), orig_packets),
        "resp_pkts": resp_packets,
        "resp_ip_bytes": _ip_bytes(_count(flow, "bytes_toclient"), resp_packets),
    }


def conn_state(proto: str, tcp: object, orig_packets: float | None, resp_packets: float | None) -> str:
    """Approximate Zeek's ``conn_state`` from the TCP flags seen in each direction, else from who sent at all.

    The order of the flags is not in the event: a reset after both sides have closed changes nothing, as with
    Zeek; of two resets the originator's counts.
    """
    if proto == "tcp":
        return _tcp_state(tcp if isinstance(tcp, dict) else {})
    if proto != "udp":
        return "OTH"
    if resp_packets:
        return "SF" if orig_packets else "SHR"
    return "S0" if orig_packets else "OTH"


def _tcp_state(tcp: Object) -> str:  # noqa: PLR0911  (a table of cases reads best as one)
    orig, resp = _flags(tcp, "tcp_flags_ts"), _flags(tcp, "tcp_flags_tc")
    asked, answered = bool(orig & _SYN), resp & _SYN_ACK == _SYN_ACK
    match asked, answered:
        case True, False:
            if resp & _RST:
                return "REJ"
            if orig & _RST:
                return "RSTOS0"
            return "SH" if orig & _FIN else "S0"
        case False, True:
            if resp & _RST:
                return "RSTRH"
            return "SHR" if resp & _FIN else "OTH"
        case True, True:
            return _established_state(orig, resp)
    return "OTH"


def _established_state(orig: int, resp: int) -> str:
    match bool(orig & _FIN), bool(resp & _FIN):
        case True, True:
            return "SF"
        case _ if orig & _RST:
            return "RSTO"
        case _ if resp & _RST:
            return "RSTR"
        case True, False:
            return "S2"
        case False, True:
            return "S3"
    return "S1"


def _flags(tcp: Object, key: str) -> int:
    value = tcp.get(key, "00")
    try:
        return int(value, 16)
    except (TypeError, ValueError) as error:
        raise BadLine(values.expected(f"tcp.{key}", "a number in hex")) from error


def _ports(event: Object, proto: str, *, version6: bool) -> tuple[Any, Any]:
    """Ports; for ICMP type and code as Zeek writes them; zero where the protocol has none."""
    if "src_port" in event or "dest_port" in event or "icmp_type" not in event:
        return event.get("src_port", 0), event.get("dest_port", 0)
    kind = event["icmp_type"]
    answers = _ICMP6_ANSWERS if version6 or proto == "ipv6-icmp" else _ICMP_ANSWERS
    if isinstance(kind, int) and kind in answers:
        return kind, answers[kind]
    return kind, event.get("icmp_code", 0)


def _ip_bytes(count: float | None, packets: float | None) -> float | None:
    return None if count is None else max(0, count - LINK_HEADER * (packets or 0))


def _count(flow: Object, key: str) -> float | None:
    value = flow.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadLine(values.expected(f"flow.{key}", values.NUMBER))
    return values.check_number(f"flow.{key}", value)


def _moment(flow: Object, key: str) -> int | None:
    text = flow.get(key)
    if text is None:
        return None
    try:
        return times.iso_microseconds(text)
    except (TypeError, ValueError) as error:
        raise BadLine(values.expected(f"flow.{key}", "an ISO 8601 time")) from error


def _text(event: Object, key: str) -> str:
    value = event.get(key)
    if value is None or value == "":
        raise BadLine(values.unset(key))
    if not isinstance(value, str):
        raise BadLine(values.expected(key, values.TEXT))
    return value


def _flow_id(event: Object) -> str | None:
    value = event.get("flow_id")
    if value is None or isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value)
