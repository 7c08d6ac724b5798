"""Logs of our own making for every test: rows by hand, and golden logs under ``tests/data/logs``.

``python -m tests.made`` writes the golden logs anew; ``tests/simulate/test_golden.py`` compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from zeekml.simulate import Connections, LogFormat, Scenario, TsvStyle, simulate
from zeekml.simulate.table import concat
from zeekml.simulate.zeek_tsv import FIELDS

LOGS = Path(__file__).resolve().parent / "data" / "logs"
OPENED = 1_699_997_400.0
SEED = 7

ROW: dict[str, str] = {
    "ts": "1700000000.000001",
    "uid": "CmAdE0000000000001",
    "id.orig_h": "192.168.1.10",
    "id.orig_p": "40000",
    "id.resp_h": "198.51.100.7",
    "id.resp_p": "443",
    "proto": "tcp",
    "service": "ssl",
    "duration": "1.500000",
    "orig_bytes": "1000",
    "resp_bytes": "20000",
    "conn_state": "SF",
    "local_orig": "T",
    "local_resp": "F",
    "missed_bytes": "0",
    "history": "ShADadFf",
    "orig_pkts": "12",
    "orig_ip_bytes": "1632",
    "resp_pkts": "18",
    "resp_ip_bytes": "20944",
    "tunnel_parents": "-",
}
"""One ordinary TLS connection, as the text of a TSV log."""

TYPES = dict(FIELDS)


def row(**changes: str) -> dict[str, str]:
    """``ROW`` with some fields changed; write ``id_orig_h`` for ``id.orig_h``."""
    return ROW | {name.replace("id_", "id.", 1): value for name, value in changes.items()}


def conn_log(
    rows: Iterable[Mapping[str, str]],
    *,
    fields: Iterable[str] = tuple(ROW),
    separator: str = "\t",
    newline: str = "\n",
    path: str = "conn",
    close: bool = True,
) -> str:
    """A TSV log of rows given as text; a row that lacks a field has it unset. Nothing is escaped."""
    names = list(fields)
    lines = [
        "#separator " + "".join(f"\\x{byte:02x}" for byte in separator.encode()),
        f"#set_separator{separator},",
        f"#empty_field{separator}(empty)",
        f"#unset_field{separator}-",
        f"#path{separator}{path}",
        f"#open{separator}2023-11-14-22-13-20",
        separator.join(["#fields", *names]),
        separator.join(["#types", *(TYPES.get(name, "string") for name in names)]),
        *(separator.join(given.get(name, "-") for name in names) for given in rows),
    ]
    if close:
        lines.append(f"#close{separator}2023-11-14-23-13-20")
    return "".join(line + newline for line in lines)


@cache
def sample(count: int = 120) -> Connections:
    """``count`` made connections in log order: the first of every kind there is, the others evenly spread."""
    table = concat(list(simulate(Scenario(connections=8000, seed=SEED, hosts=20, start=OPENED))))
    kinds = np.stack([table.label, table.proto, table.service, table.conn_state, table.history])
    _, first = np.unique(kinds, axis=1, return_index=True)
    rest = np.setdiff1d(np.arange(len(table)), first)
    spread = rest[np.linspace(0, len(rest) - 1, count - len(first)).astype(np.int64)]
    return table.take(np.sort(np.concatenate([first, spread])))


def log_bytes(log_format: LogFormat, table: Connections | None = None) -> bytes:
    """One log of the sample (or of another table)."""
    tables = [sample() if table is None else table]
    return b"".join(bytes(piece) for piece, _ in log_format.pieces(tables, OPENED))


def dns_log() -> bytes:
    """A log that is not a connection log, as it stands in the same folder."""
    fields = (
        "ts",
        "uid",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "proto",
        "query",
        "qtype_name",
        "rcode_name",
    )
    asked = {"id.resp_p": "53", "proto": "udp", "qtype_name": "A", "rcode_name": "NOERROR"}
    rows = [ROW | asked | {"query": f"www{number}.example.org"} for number in range(5)]
    return conn_log(rows, fields=fields, path="dns").encode()


CUSTOM = TsvStyle(separator="|", set_separator=";", empty_field="EMPTY", unset_field="NA")
COMMAS = TsvStyle(separator=",", set_separator=";")
IOT23 = TsvStyle(newline="\r\n", label_gap="   ", close=False)

GOLDEN: dict[str, Callable[[], bytes]] = {
    "zeek7.conn.log": lambda: log_bytes(LogFormat()),
    "labelled.conn.log": lambda: log_bytes(LogFormat(labels=True)),
    "iot23.conn.log.labeled": lambda: log_bytes(LogFormat(labels=True, style=IOT23)),
    "custom-marks.conn.log": lambda: log_bytes(LogFormat(style=CUSTOM)),
    "commas.conn.log": lambda: log_bytes(LogFormat(style=COMMAS)),
    "epoch.conn.json": lambda: log_bytes(LogFormat("json")),
    "millis.conn.json": lambda: log_bytes(LogFormat("json", json_ts="millis")),
    "iso8601.conn.json": lambda: log_bytes(LogFormat("json", json_ts="iso8601")),
    "labelled.conn.json": lambda: log_bytes(LogFormat("json", labels=True)),
    "eve.json": lambda: log_bytes(LogFormat("eve"), sample().take(slice(0, 90))),
    "dns.log": dns_log,
}
"""The golden logs by name; all but the last hold the same connections, eve.json the first 90 of them."""


def write_golden() -> None:
    """Writes every golden log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for name, made in GOLDEN.items():
        (LOGS / name).write_bytes(made())


if __name__ == "__main__":
    write_golden()
