"""Alerts made before Zeek started, and when that was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zeekml.operations.zeek_side import Taken, count_rows, zeek_started


def table(path: Path, *written: str) -> Path:
    header = "#fields\tid\tnote\twritten\n#types\tstring\tstring\ttime\n"
    path.write_text(header + "".join(f"{n:032x}\tN\t{moment}\n" for n, moment in enumerate(written)))
    return path


def test_rows_before_zeeks_start_are_counted(tmp_path: Path) -> None:
    path = table(tmp_path / "t", "100.5", "200.0", "200.1", "torn")
    assert count_rows(path, 200.0) == Taken(3, 1, 200.0)
    assert count_rows(path, None) == Taken(3, 0, None)


def test_no_table_and_an_empty_one(tmp_path: Path) -> None:
    assert count_rows(tmp_path / "none", 1.0) is None
    assert count_rows(table(tmp_path / "t"), 1.0) == Taken(0, 0, 1.0)
    (tmp_path / "odd").write_bytes(b"\xff\tx\n\x00")
    assert count_rows(tmp_path / "odd", 1.0) == Taken(0, 0, 1.0)


def process(proc: Path, number: int, name: str, ticks: int, *arguments: str) -> None:
    folder = proc / str(number)
    folder.mkdir()
    (folder / "comm").write_text(f"{name}\n")
    (folder / "cmdline").write_bytes(b"\0".join(each.encode() for each in arguments))
    fields = ["S", *("0" * 18), str(ticks), "0"]
    (folder / "stat").write_text(f"{number} (a) name) {' '.join(fields)}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "stat").write_text("cpu 1 2 3\nbtime 1000\n")
    (tmp_path / "self").mkdir()
    return tmp_path


def test_the_manager_of_a_cluster_tells_when_zeek_started(proc: Path) -> None:
    second = os.sysconf("SC_CLK_TCK")
    assert zeek_started(proc) is None
    process(proc, 10, "bash", 5 * second, "bash")
    process(proc, 11, "zeek", 50 * second, "zeek", "-p", "worker-1")
    assert zeek_started(proc) == 1050
    process(proc, 12, "zeek", 70 * second, "zeek", "-p", "worker-2")
    assert zeek_started(proc) == 1050, "the one that has run longest"
    process(proc, 13, "zeek", 60 * second, "zeek", "-p", "manager")
    assert zeek_started(proc) == 1060


def test_where_processes_cannot_be_seen_nothing_is_said(tmp_path: Path) -> None:
    assert zeek_started(tmp_path / "none") is None
