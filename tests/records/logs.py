"""Made logs for the tests of reading, and short ways to read them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from zeekml.errors import InputError
from zeekml.records import NAMES, LogFile, Reject, Rejects, read_batches

FIELDS = (*NAMES, "tunnel_parents")
_COUNTS = (
    "orig_bytes",
    "resp_bytes",
    "missed_bytes",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
)
FLOW: dict[str, Any] = {
    "timestamp": "2026-11-23T10:00:05.000000+0000",
    "flow_id": 1028410075553831,
    "event_type": "flow",
    "src_ip": "192.168.1.5",
    "src_port": 50000,
    "dest_ip": "93.184.216.34",
    "dest_port": 443,
    "proto": "TCP",
    "app_proto": "tls",
    "flow": {
        "pkts_toserver": 10,
        "pkts_toclient": 8,
        "bytes_toserver": 1140,
        "bytes_toclient": 4112,
        "start": "2026-11-23T10:00:00.123456+0000",
        "end": "2026-11-23T10:00:02.623456+0000",
        "state": "closed",
    },
    "tcp": {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "state": "closed"},
}


@dataclass
class Result:
    """Everything that reading one log gave."""

    frame: pd.DataFrame
    lines: list[int]
    rejects: list[Reject] = field(default_factory=list)
    passed_over: int = 0
    batches: int = 0
    error: InputError | None = None

    @property
    def reasons(self) -> list[str]:
        return [reject.reason for reject in self.rejects]


def connection(number: int = 0) -> dict[str, str]:
    """The fields of a connection as TSV text."""
    return {
        "ts": f"{1_600_000_000 + number}.{number % 1_000_000:06d}",
        "uid": f"C{number:017d}",
        "id.orig_h": f"192.168.1.{number % 250}",
        "id.orig_p": str(1024 + number % 60_000),
        "id.resp_h": f"10.{number % 7}.0.{number % 200}",
        "id.resp_p": ("53", "443", "23")[number % 3],
        "proto": ("udp", "tcp")[number % 2],
        "service": ("dns", "ssl", "-")[number % 3],
        "duration": "-" if number % 4 == 0 else f"{number % 97}.{number % 1000:06d}",
        "orig_bytes": "-" if number % 4 == 0 else str(number % 1500),
        "resp_bytes": "-" if number % 4 == 0 else str(number % 9000),
        "conn_state": ("SF", "S0", "REJ")[number % 3],
        "local_orig": ("T", "F", "-")[number % 3],
        "local_resp": ("F", "-", "T")[number % 3],
        "missed_bytes": "0",
        "history": ("Dd", "ShADadFf", "-")[number % 3],
        "orig_pkts": str(number % 40),
        "orig_ip_bytes": str(number % 4000),
        "resp_pkts": str(number % 30),
        "resp_ip_bytes": str(number % 70_000),
        "tunnel_parents": "-",
    }


def header(
    fields: Sequence[str] = FIELDS, *, separator: str = "\t", empty: str = "(empty)", unset: str = "-"
) -> str:
    """The eight lines that Zeek writes before the first connection."""
    sep = separator
    shown = "".join(f"\\x{byte:02x}" for byte in separator.encode())
    return (
        f"#separator {shown}\n#set_separator{sep},\n#empty_field{sep}{empty}\n#unset_field{sep}{unset}\n"
        f"#path{sep}conn\n#open{sep}2026-11-23-10-00-00\n"
        f"#fields{sep}{sep.join(fields)}\n#types{sep}{sep.join('string' for _ in fields)}\n"
    )


def line(
    fields: dict[str, str] | None = None, names: Sequence[str] = FIELDS, *, separator: str = "\t"
) -> str:
    """One TSV line of connection 1 with some fields changed."""
    values = {**connection(1), **(fields or {})}
    return separator.join(values.get(name, "-") for name in names) + "\n"


def tsv(count: int, *, names: Sequence[str] = FIELDS, start: int = 0) -> str:
    """A whole TSV log of ``count`` connections."""
    lines = "".join(line(connection(number), names) for number in range(start, start + count))
    return header(names) + lines + "#close\t2026-11-23-11-00-00\n"


def json_object(number: int = 1) -> dict[str, object]:
    """Connection ``number`` as Zeek's JSON has it."""
    found: dict[str, object] = {}
    for name, text in connection(number).items():
        if text == "-":
            continue
        if name in ("ts", "duration"):
            found[name] = float(text)
        elif name.endswith("_p") or name in _COUNTS:
            found[name] = int(text)
        else:
            found[name] = text == "T" if name.startswith("local") else text
    return found


def ndjson(objects: Iterable[object]) -> bytes:
    """One object a line."""
    return b"".join(orjson.dumps(one) + b"\n" for one in objects)


def read(path: Path, *, batch_rows: int = 65_536, extra: bool = False, stream: str = "s") -> Result:
    """Read a whole log; an error is kept beside what was read before it."""
    rejected: list[Reject] = []
    rejects = Rejects(rejected.append)
    frames: list[pd.DataFrame] = []
    lines: list[int] = []
    error: InputError | None = None
    try:
        for batch in read_batches(
            LogFile(path, path.name), stream, rejects=rejects, batch_rows=batch_rows, extra=extra
        ):
            assert len(batch.frame) == len(batch.lines) <= batch_rows
            assert batch.lines.dtype == np.int64
            frames.append(batch.frame)
            lines += batch.lines.tolist()
    except InputError as caught:
        error = caught
    assert rejects.total == len(rejected)
    return Result(joined(frames), lines, rejected, rejects.passed_over, len(frames), error)


def read_text(folder: Path, content: str | bytes, **options: bool | int) -> Result:
    """Write ``content`` to a file and read it."""
    path = folder / "conn.log"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(
        path, batch_rows=int(options.get("batch_rows", 65_536)), extra=bool(options.get("extra", False))
    )


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Batches as one frame, labels as plain text, so that frames of other cuts compare equal."""
    if not frames:
        return pd.DataFrame(columns=list(NAMES))
    labels = [name for name in frames[0] if frames[0][name].dtype == "category"]
    plain = [frame.astype(dict.fromkeys(labels, "str")) for frame in frames]
    return pd.concat(plain, ignore_index=True)


def gzipped(content: str | bytes) -> bytes:
    """One gzip member."""
    return gzip.compress(content.encode() if isinstance(content, str) else content, mtime=0)
