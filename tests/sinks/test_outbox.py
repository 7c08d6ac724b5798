"""The outbox: every alert once, on disk, for as long as a sink wants it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sinks.alerts import ids, some_alerts
from zeekml.errors import OutputError
from zeekml.sinks.alert import AlertRecord
from zeekml.sinks.outbox import Cursor, Outbox

START = Cursor(1, 0)


def everything(outbox: Outbox, cursor: Cursor = START, most: int = 7) -> list[AlertRecord]:
    found: list[AlertRecord] = []
    while True:
        records, after = outbox.read(cursor, most)
        assert len(records) <= most
        if after == cursor:
            return found
        found += records
        cursor = after


def test_alerts_come_out_as_they_went_in_and_once(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "state" / "outbox")
    outbox.append(some_alerts(5))
    outbox.append(some_alerts(10))
    outbox.append([])
    assert everything(outbox) == some_alerts(10)
    assert outbox.read(outbox.end(), 5) == ([], outbox.end())
    outbox.close()
    outbox.close()
    again = Outbox(tmp_path / "state" / "outbox")
    again.append(some_alerts(12))  # as at recovery: what is there is not added again
    assert everything(again) == some_alerts(12)
    again.close()


@settings(max_examples=30)
@given(cut=st.integers(1, 500))
def test_half_a_line_of_a_crash_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("outbox")
    outbox = Outbox(folder)
    outbox.append(some_alerts(3))
    outbox.close()
    (path,) = folder.glob("alerts.*")
    os.truncate(path, path.stat().st_size - cut)
    again = Outbox(folder)
    again.append(some_alerts(4))
    assert everything(again) == some_alerts(4)
    again.close()


def test_files_are_of_bounded_size_and_go_when_all_sinks_have_passed_them(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, file_bytes=2000)
    for first in range(0, 40, 2):
        outbox.append(some_alerts(2, first))
    assert len(list(tmp_path.glob("alerts.*"))) > 5
    assert everything(outbox) == some_alerts(40)
    assert outbox.waiting(START) == sum(path.stat().st_size for path in tmp_path.glob("alerts.*"))
    outbox.move("a", outbox.end())
    outbox.move("b", START)
    outbox.tidy(["a", "b"])
    assert everything(outbox) == some_alerts(40)
    outbox.tidy(["a"])  # b is a sink no more
    assert outbox.cursor("b") is None
    assert len(list(tmp_path.glob("alerts.*"))) == 2
    assert outbox.cursor("a") == outbox.end()
    outbox.close()
    again = Outbox(tmp_path, file_bytes=2000)
    again.append(some_alerts(41))  # what lies further back than the files that are left is not known any more
    assert ids(everything(again, again.cursor("a") or START))[-1] == ids(some_alerts(1, 40))[0]
    again.close()


def test_a_line_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(some_alerts(1))
    outbox.close()
    (path,) = tmp_path.glob("alerts.*")
    with path.open("ab") as file:
        file.write(b"\0\0\0\n")
    again = Outbox(tmp_path)
    again.append(some_alerts(2))
    assert everything(again, most=1) == some_alerts(2)
    again.close()


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(some_alerts(1))
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        real(descriptor, bytes(data)[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OutputError, match="No space left"):
            outbox.append(some_alerts(3))
    assert everything(outbox) == some_alerts(1)
    outbox.append(some_alerts(3))
    assert everything(outbox) == some_alerts(3)
    outbox.close()


def test_a_damaged_cursor_is_told(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    (tmp_path / "cursor.ecs").write_text("{")
    with pytest.raises(OutputError, match=r"cursor\.ecs: damaged"):
        outbox.cursor("ecs")
    outbox.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="alerts cannot be kept"):
        Outbox(tmp_path / "file" / "outbox")
