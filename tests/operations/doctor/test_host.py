"""What the doctor says of the machine and of the folders that are written to."""

from __future__ import annotations

import ctypes
import errno
import socket
from pathlib import Path

import pytest

from zeekml.operations import Health, Telemetry, serve
from zeekml.operations.doctor import host
from zeekml.operations.doctor.finding import Level
from zeekml.operations.doctor.folders import check_folder, file_system


def test_a_folder_that_can_be_made_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    found = list(check_folder("outputs", tmp_path / "a" / "b", 0))
    assert Level.WRONG not in {each.level for each in found}
    assert "it will be made" in found[0].what
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    (told,) = check_folder("outputs", tmp_path / "out", 0)
    assert told.level is Level.WRONG
    assert "is a file" in told.what


def test_a_folder_that_cannot_be_written_is_wrong() -> None:
    (told,) = check_folder("outputs", Path("/proc/zeekml"), 0)
    assert told.level is Level.WRONG
    assert "install -d" in told.cure


def test_a_disk_with_too_little_room_is_wrong(tmp_path: Path) -> None:
    found = list(check_folder("state", tmp_path, 1 << 62))
    assert [each.level for each in found][:2] == [Level.OK, Level.WRONG]
    assert "is full" in found[1].what


def test_file_systems_are_told_apart(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        f"2 1 0:5 / {tmp_path} rw shared:1 - nfs4 host:/x rw\n"
        "3 1 0:6 / /with\\040space rw - tmpfs tmpfs rw\n"
    )
    assert file_system(tmp_path / "below", mounts) == "nfs4"
    assert file_system(Path("/elsewhere"), mounts) == "ext4"
    assert file_system(Path("/with space/x"), mounts) == "tmpfs"
    assert file_system(tmp_path, tmp_path / "none") == ""


def test_the_limits_of_inotify_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert host.check_inotify([tmp_path]).level is Level.OK

    class Full:
        """A system on which no further watch is allowed."""

        @staticmethod
        def inotify_init1(_flags: int) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Full)
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EMFILE)
    told = host.check_inotify([tmp_path])
    assert told.level is Level.WARNING
    assert "fs.inotify.max_user_instances" in told.cure


def test_the_address_of_the_metrics() -> None:
    assert host.check_listen("").level is Level.WARNING
    assert "no loopback" in host.check_listen("0.0.0.0:0").what
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = f"127.0.0.1:{server.getsockname()[1]}"
    assert host.check_listen(free).level is Level.OK
    telemetry = Telemetry("m")
    with serve(telemetry, Health(telemetry), "127.0.0.1:0") as running:
        assert running is not None
        assert host.check_listen(running.address).level is Level.WARNING
        telemetry.ready = True
        told = host.check_listen(running.address)
        assert told.level is Level.OK
        assert "a watch runs" in told.what


def test_an_address_that_another_holds_is_wrong() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.close()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))  # taken, and nothing answers
        told = host.check_listen(f"127.0.0.1:{server.getsockname()[1]}")
    assert told.level is Level.WRONG
    assert "metrics.listen" in told.cure


def test_clock_user_and_files_are_looked_at() -> None:
    for told in (host.check_clock(), host.check_user(), host.check_files()):
        assert told.level in (Level.OK, Level.WARNING)
