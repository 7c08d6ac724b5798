"""The alerts table: replaced whole, bounded, and once a row is in it, `written` stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.sinks.alerts import ids, some_alerts
from zeekml.errors import SinkError
from zeekml.sinks.alerts_table import FIELDS, SEEN_WITHIN, AlertsTableSink


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def rows_of(path: Path) -> dict[str, float]:
    """``written`` by id."""
    lines = path.read_text().split("\n")[2:-1]
    return {line.split("\t")[0]: float(line.split("\t")[-1]) for line in lines}


def test_rows_keep_the_time_at_which_they_were_first_written(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "alerts.tsv"
    table = AlertsTableSink(path, clock=clock)
    table.deliver(some_alerts(2))
    clock.now += 10
    table.deliver(some_alerts(3))  # the first two come again, as after a crash
    table.close()
    clock.now += 10
    AlertsTableSink(path, clock=clock).deliver(some_alerts(4))
    assert list(rows_of(path).values()) == [1000, 1000, 1010, 1020]
    assert list(rows_of(path)) == ids(some_alerts(4))


def test_old_rows_go(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "alerts.tsv"
    table = AlertsTableSink(path, keep=60, clock=clock)
    table.deliver(some_alerts(2))
    clock.now += 61
    table.deliver(some_alerts(1, 2))
    assert list(rows_of(path)) == ids(some_alerts(1, 2))
    clock.now -= 1000  # rows from the future go too, when the clock was set back by more than that
    table.deliver(some_alerts(1, 3))
    assert list(rows_of(path)) == ids(some_alerts(1, 3))


def test_rows_are_bounded_and_none_goes_before_it_can_have_been_seen(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "alerts.tsv"
    table = AlertsTableSink(path, max_rows=3, clock=clock)
    assert table.most == 3
    table.deliver(some_alerts(3))
    before = path.read_bytes()
    with pytest.raises(SinkError, match=r"younger than 30 s.*max_rows"):
        table.deliver(some_alerts(1, 3))
    assert path.read_bytes() == before
    clock.now += SEEN_WITHIN
    table.deliver(some_alerts(2, 3))
    assert list(rows_of(path)) == ids(some_alerts(3, 2))


def test_the_file_is_renamed_into_place_with_a_later_second_each_time(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "alerts.tsv"
    table = AlertsTableSink(path, clock=clock)
    seen = []
    for number in range(5):
        table.deliver(some_alerts(1, number))
        seen.append((path.stat().st_mtime, path.stat().st_ino))
    assert [times for times, _ in seen] == sorted({int(times) for times, _ in seen})
    assert seen[0][0] <= time.time()
    assert [entry.name for entry in tmp_path.iterdir()] == ["alerts.tsv"]
    table.deliver(some_alerts(5))
    assert path.stat().st_mtime == seen[-1][0]  # nothing new, nothing written


def test_parts_of_a_crash_are_removed_and_lines_of_others_are_not_kept(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "alerts.tsv"
    (tmp_path / ".alerts.tsv.0123456789abcdef.part").write_text("half")
    path.write_bytes(b"#fields\tid\nnonsense\n" + b"0" * 32 + b"\thalf")
    AlertsTableSink(path, clock=clock).deliver(some_alerts(1))
    assert list(rows_of(path)) == ids(some_alerts(1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["alerts.tsv"]


def test_rows_of_another_zeekml_keep_their_time_in_the_columns_of_now(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "alerts.tsv"
    AlertsTableSink(path, clock=clock).deliver(some_alerts(2))
    whole = path.read_bytes()
    places = [at for at, (name, _) in enumerate(FIELDS) if not name.startswith("evidence_")]
    header, _, *rows = whole.decode().splitlines()
    fewer = [[line.split("\t")[at] for at in places] for line in rows]
    former = [
        "#fields\t" + "\t".join(FIELDS[at][0] for at in places),
        "#types\tstring",
        *map("\t".join, fewer),
    ]
    path.write_text("\n".join([*former, "f" * 32 + "\tcut"]) + "\n")
    clock.now += 10
    AlertsTableSink(path, clock=clock).deliver(some_alerts(3))
    assert path.read_bytes().startswith(header.encode())
    assert list(rows_of(path).items()) == list(zip(ids(some_alerts(3)), (1000, 1000, 1010), strict=True))
    cells = [line.split("\t") for line in path.read_text().splitlines()[2:]]
    assert {len(row) for row in cells} == {len(FIELDS)}
    at = [name for name, _ in FIELDS].index("evidence_ports")
    assert [row[at] for row in cells] == ["-", "-", "23/tcp"]
    assert [row[at + 1] for row in cells] == [rows[0].split("\t")[at + 1]] * 3


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "alerts.tsv").symlink_to(tmp_path / "target")
    AlertsTableSink(tmp_path / "alerts.tsv", clock=clock).deliver(some_alerts(1))
    assert not (tmp_path / "alerts.tsv").is_symlink()
    assert (tmp_path / "target").read_text() == "mine"


def test_what_cannot_be_written_is_told_and_leaves_nothing(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SinkError, match=r"absent/alerts\.tsv: the table cannot be written"):
        AlertsTableSink(tmp_path / "absent" / "alerts.tsv", clock=clock).deliver(some_alerts(1))
    table = AlertsTableSink(tmp_path / "alerts.tsv", clock=clock)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(SinkError, match="No space left"):
            table.deliver(some_alerts(1))
    assert list(tmp_path.iterdir()) == []
    table.deliver(some_alerts(1))
    assert list(rows_of(tmp_path / "alerts.tsv")) == ids(some_alerts(1))
