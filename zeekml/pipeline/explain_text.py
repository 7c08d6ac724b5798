"""An explanation as a text for people, and as a JSON object for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from zeekml.pipeline.explain import Explanation, Latest
from zeekml.records.escapes import printable
from zeekml.scoring.reasons import Reason

_RAISED: Final = 8
_LOWERED: Final = 4
_LEAST: Final = 0.005
"""Features named, and the least part that is named: it would be written 0.00."""

_UNITS: Final[Mapping[str, str]] = {
    "duration": "s",
    "orig_bytes": "bytes sent",
    "resp_bytes": "bytes received",
}


def as_object(explanation: Explanation) -> str:
    """One JSON object on one line; reasons by their part, the strongest against the connection first."""
    content = asdict(explanation)
    content["alerts"] = explanation.alerts
    content["standing"]["suppressed"] = [
        {"note": note, "class": name, "until": until}
        for (note, name), until in explanation.standing.suppressed.items()
    ]
    for given in (content, *content["notices"]):
        given["class"] = given.pop("class_name")
    for notice in content["notices"]:
        del notice["row"]
    content["reasons"].sort(key=lambda reason: -reason["part"])
    return orjson.dumps(_valid(content)).decode()


def as_text(explanation: Explanation) -> str:
    """Some lines for a person; what comes from a log is printed without control characters."""
    return "\n".join(
        [
            *_connection(explanation),
            "",
            *_verdict(explanation),
            "",
            *_evidence(explanation),
            "",
            *_reasons(explanation),
            "",
            *_context(explanation),
            "",
            *_latest(explanation.latest),
        ]
    )


def _connection(explanation: Explanation) -> Iterator[str]:
    given = explanation.connection
    yield f"{_printable(given['uid'])}, {_time(given['ts'])}"
    orig = _address(given["id.orig_h"], given["id.orig_p"])
    resp = _address(given["id.resp_h"], given["id.resp_p"])
    facts = [f"{orig} -> {resp}/{_printable(given['proto'])}"]
    facts += [
        f"{name.removeprefix('conn_')} {_printable(given[name])}"
        for name in ("service", "conn_state", "history")
        if name in given
    ]
    facts += [f"{given[name]:g} {unit}" for name, unit in _UNITS.items() if name in given]
    yield ", ".join(facts)
    yield f"{explanation.source}, line {explanation.line:,}"


def _verdict(explanation: Explanation) -> Iterator[str]:
    yield (
        f"score {explanation.score:.3f}, {explanation.class_name} {explanation.class_score:.3f} "
        f"(model {explanation.model})"
    )
    if explanation.alerts:
        yield f"  an alert: it reaches {explanation.connection_threshold:.3f}"
    elif explanation.score < explanation.connection_threshold:
        yield f"  no alert: it stays below {explanation.connection_threshold:.3f}"
    else:
        yield f"  no alert: {_printable(explanation.silent or '')}"
    if explanation.usual_score:
        yield f"  usual here are scores up to {explanation.usual_score:.4f}, only what is above counts"
    for notice in explanation.notices:
        yield f"  notice written: {notice.note}, {notice.class_name}, n={notice.n}"


def _evidence(explanation: Explanation) -> Iterator[str]:
    held, host = explanation.standing.evidence, _printable(explanation.connection["id.orig_h"])
    odd, excused = sum(held.values()), explanation.standing.excused
    yield (
        f"evidence against {host} then: {odd + excused:.1f} nats, "
        f"a host notice is written from {explanation.host_threshold:.1f}"
    )
    if excused or explanation.usual_evidence:
        yield (
            f"  {excused:.1f} of that is ordinary here, says the baseline; the rest has to reach "
            f"{explanation.odd_threshold:.1f}"
        )
    for name, value in sorted(held.items(), key=lambda item: -item[1]):
        yield f"  {value:6.1f}  {name}"
    if explanation.standing.peers:
        peers, ports = (
            ", ".join(map(_printable, each))
            for each in (explanation.standing.peers, explanation.standing.ports)
        )
        yield f"  most of it by connections to {peers}"
        yield f"  and on {ports}"
    yield f"  connections count from a score of {explanation.evidence_floor:.3f}"
    for (note, name), until in explanation.standing.suppressed.items():
        yield f"  further notices are counted, not written, until {_time(until)}: {note}, {name}"


def _reasons(explanation: Explanation) -> Iterator[str]:
    by_part = sorted(explanation.reasons, key=lambda reason: -reason.part)
    raised = [reason for reason in by_part if reason.part >= _LEAST][:_RAISED]
    lowered = [reason for reason in reversed(by_part) if reason.part <= -_LEAST][:_LOWERED]
    yield (
        "what raised the score (by how much the log odds fall when it is as with a typical benign connection; "
        f"of the network {explanation.fidelity:.0%} is explained)"
    )
    yield from _listed(raised)
    yield "what lowered it"
    yield from _listed(lowered)


def _listed(reasons: Sequence[Reason]) -> Iterator[str]:
    for reason in reasons:
        yield f"  {reason.part:+6.2f}  {reason.words or 'nothing to look at'} [{reason.fact}]"
    if not reasons:
        yield "  nothing"


def _context(explanation: Explanation) -> Iterator[str]:
    """What the features of the context say, missing ones left out."""
    for prefix, heading in (
        ("host_", "the host's connections before it and itself, 32 at most"),
        ("pair_", "the same host to this peer and port, the last 8 at most"),
    ):
        yield heading
        for one in explanation.features:
            if one.feature.startswith(prefix) and one.value is not None:
                yield f"  {one.words}"


def _latest(latest: Sequence[Latest]) -> Iterator[str]:
    yield "the host's latest connections, this one last"
    for one in latest:
        peer = f"{_address(one.resp_h, one.resp_p)}/{_printable(one.proto)}"
        yield f"  {_time(one.ts)}  {peer}  {_printable(one.conn_state or '-')}  {one.score:.3f}"


def _address(host: str, port: int) -> str:
    return f"[{_printable(host)}]:{port}" if ":" in host else f"{_printable(host)}:{port}"


def _time(epoch: float) -> str:
    try:
        return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    except (OverflowError, ValueError, OSError):  # a log may say anything
        return f"{epoch:f} s"


def _printable(text: str) -> str:
    return printable(text.encode("utf-8", "surrogateescape"))


def _valid(value: Any) -> Any:
    """The same with every text valid UTF-8, as JSON asks for."""
    if isinstance(value, dict):
        return {_valid(key): _valid(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_valid(item) for item in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
