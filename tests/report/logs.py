"""Logs to report on, written as the sinks write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zeekml.sinks import notice_log, zeekml_log
from zeekml.sinks.escapes import Format
from zeekml.sinks.zeek_log import header, record

START = 1_700_000_000.0

#: What could become markup, a script, a formula or a trick of letters, wherever it is put.
HOSTILE = (
    '"\'><script>window.ran=1;alert(1)</script><img src=x onerror="window.ran=1"></script><!--'
    "<svg onload='window.ran=1'>javascript:alert(2)//&lt;&amp;]]>\x1b[31m\u202e\u2028${window.ran=1}{{7*7}}"
)


def notice(at: float = 0.0, /, **values: Any) -> dict[str, Any]:
    """A line of notice.log; ``sub`` may be given in parts: score, class_name, evidence, model, why, more."""
    facts = {
        "score": values.pop("score", 0.95),
        "class": values.pop("class_name", "PortScan"),
        "evidence": values.pop("evidence", None),
        "model": values.pop("model", "sample-1"),
    }
    parts = [f"{name}={value}" for name, value in facts.items() if value is not None]
    parts += [str(values.pop(name)) for name in ("more",) if name in values]
    if why := values.pop("why", "failed_share=0.98"):
        parts.append(f"why={why}")
    return {
        "ts": START + at,
        "uid": f"C{at:g}",
        "id.orig_h": "192.168.1.10",
        "id.orig_p": 40000,
        "id.resp_h": "198.51.100.7",
        "id.resp_p": 23,
        "proto": "tcp",
        "note": "ZeekML::Botnet_Connection" if facts["evidence"] is None else "ZeekML::Botnet_Host",
        "msg": "a sentence",
        "sub": " ".join(parts),
        "n": 1,
        **values,
    }


def scored(at: float = 0.0, /, **values: Any) -> dict[str, Any]:
    """A line of zeekml.log; ``class_name`` is its class."""
    return {
        "ts": START + at,
        "uid": f"C{at:g}",
        "id.orig_h": "192.168.1.10",
        "id.orig_p": 40000,
        "id.resp_h": "198.51.100.7",
        "id.resp_p": 23,
        "proto": "tcp",
        "service": None,
        "score": 0.95,
        "class": values.pop("class_name", "PortScan"),
        "class_score": 0.9,
        "reasons": "failed_share=0.98",
        "model": "sample-1",
        **values,
    }


def write(path: Path, lines: Iterable[Mapping[str, Any]], fmt: Format = "tsv") -> Path:
    """Write a notice.log or zeekml.log, told by its name."""
    kind = "notice" if "notice" in path.name else "zeekml"
    fields = notice_log.FIELDS if kind == "notice" else zeekml_log.FIELDS
    text = "".join(record(fields, [line.get(name) for name, _ in fields], fmt) for line in lines)
    path.write_bytes(header(kind, fields, datetime(2026, 11, 23, tzinfo=UTC), fmt) + text.encode())
    return path
