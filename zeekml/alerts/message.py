"""A notice in words: the sentence of ``msg`` and the facts of ``sub``."""

from __future__ import annotations

from zeekml.alerts.notices import HOST_NOTE, Notice


def sentence(notice: Notice, *, orig_h: str, resp_h: str, resp_p: int, proto: str) -> str:
    """``msg``: who did what, how often, to whom last, and what is usual there, where a baseline says."""
    peer = _peer(resp_h, resp_p, proto)
    if notice.note == HOST_NOTE:
        many = f"{notice.n} suspicious connection" + ("s" if notice.n != 1 else "")
        usual = f"; {notice.usual:.1f} of the evidence is usual for this host" if notice.usual else ""
        return f"{orig_h} behaves like a botnet host: {notice.class_name}, {many}, latest to {peer}{usual}"
    usual = f"; usual there is a score up to {notice.usual:.3f}" if notice.usual else ""
    if notice.n == 1:
        return f"{orig_h} made a botnet connection: {notice.class_name}, to {peer}{usual}"
    return f"{orig_h} made {notice.n} botnet connections: {notice.class_name}, latest to {peer}{usual}"


def facts(notice: Notice, *, model: str, reasons: str) -> str:
    """``sub``: ``score=… class=… [evidence=…] model=… [usual=…] [sensor=…] [why=…]``, the last running to the end."""
    parts = [f"score={notice.score:.3f}", f"class={notice.class_name}"]
    if notice.evidence is not None:
        parts.append(f"evidence={notice.evidence:.1f}")
    parts.append(f"model={model}")
    if notice.usual:
        parts.append(f"usual={notice.usual:.3f}")
    if notice.sensor:
        parts.append(f"sensor={','.join(notice.sensor)}")
    if reasons:
        parts.append(f"why={reasons}")
    return " ".join(parts)


def port_text(port: int, proto: str) -> str:
    """A responder's port as ``23/tcp``, for ICMP the protocol alone."""
    return proto if _has_no_ports(proto) else f"{port}/{proto}"


def _has_no_ports(proto: str) -> bool:
    """Zeek's ports of ICMP are type and code."""
    return proto.startswith("icmp")


def _peer(resp_h: str, resp_p: int, proto: str) -> str:
    if _has_no_ports(proto):
        return f"{resp_h} ({proto})"
    host = f"[{resp_h}]" if ":" in resp_h else resp_h
    return f"{host}:{resp_p}/{proto}"
