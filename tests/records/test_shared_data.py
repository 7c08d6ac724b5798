"""Every real log is read with as many connections as it has data lines or flow events, and no rejects."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import orjson

from tests.records.logs import read


def test_every_zeek_log_is_read_whole(shared_data: Path) -> None:
    with (shared_data / "zeek" / "groups.csv").open(newline="") as listed:
        expected = {row["file"]: int(row["connections"]) for row in csv.DictReader(listed)}
    assert len(expected) > 100
    for name, connections in expected.items():
        path = shared_data / "zeek" / name
        result = read(path, extra=True)
        assert (len(result.frame), result.rejects, result.passed_over) == (connections, [], 0), name
        assert result.lines == _data_lines(path), name
        assert "label" in result.frame, name


def test_every_eve_log_is_read_whole(shared_data: Path) -> None:
    logs = sorted((shared_data / "suricata").glob("*.gz"))
    assert logs
    for path in logs:
        with gzip.open(path) as raw:
            kinds = [orjson.loads(line)["event_type"] for line in raw]
        result = read(path)
        flows = [number for number, kind in enumerate(kinds, 1) if kind == "flow"]
        assert result.lines == flows, path.name
        assert (result.rejects, result.passed_over) == ([], len(kinds) - len(flows)), path.name


def _data_lines(path: Path) -> list[int]:
    """Numbers of the lines that are neither blank nor part of a header."""
    with gzip.open(path) as raw:
        return [number for number, line in enumerate(raw, 1) if line.strip() and not line.startswith(b"#")]
