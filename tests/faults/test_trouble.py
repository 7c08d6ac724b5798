"""What stands in the way of a watch: folders and logs without rights, no file events; an end, and idleness."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from tests.faults import namespaces
from tests.faults.trouble import run_after
from tests.faults.watching import command_of, count, records, uids, wait_for, watching
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.cli.exit_codes import ExitCode


def test_a_line_on_an_idle_sensor_is_scored_at_once_and_sigterm_ends_within_five_seconds(
    tmp_path: Path, writer: ZeekWriter, options: list[str]
) -> None:
    with watching(tmp_path, [writer.path], *options) as watch:
        wait_for(watch.out, 50, alive=watch)
        for number in range(50, 53):
            time.sleep(0.3)
            began = time.monotonic()
            writer.write(number)
            wait_for(watch.out, number + 1, alive=watch)
            assert time.monotonic() - began < 5.0  # generous: benchmarks/live.py measures it
        writer.write(*range(53, 500))
        assert watch.terminate() < 5.0
        assert watch.process.returncode == 0
        with watching(tmp_path, [writer.path], *options, "--once") as again:
            assert again.finish() == 0
        assert set(uids(records(watch.out, "zeekml")).values()) == {1}
        assert count(watch.out) == 500


@pytest.mark.parametrize("which", ["instances", "watches"])
def test_where_no_file_events_are_left_it_polls_and_says_so_once(
    tmp_path: Path, writer: ZeekWriter, options: list[str], which: str
) -> None:
    no_events = f"echo 0 > /proc/sys/user/max_inotify_{which}"
    namespaces.need(no_events)
    within = partial(namespaces.within, no_events)
    with watching(tmp_path, [writer.path], *options, within=within) as watch:
        for number in range(50, 54):
            wait_for(watch.out, number, alive=watch)
            time.sleep(0.5)  # idle: it would wait for events now
            writer.write(number)
        wait_for(watch.out, 54, alive=watch)
        watch.terminate()
        assert watch.process.returncode == 0
    said = watch.said.read_text()
    assert said.count("file events are not to be had") == 1
    assert "polling every 0.2 s instead" in said
    assert f"fs.inotify.max_user_{which}" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("which", ["out", "state"])
def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, writer: ZeekWriter, options: list[str], which: str
) -> None:
    for name in ("out", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / which).chmod(0o555)
    failed = _run_bound_by_permissions(tmp_path, [writer.path], options)
    assert failed.returncode == ExitCode.OUTPUT, failed.stderr
    said = b" ".join(failed.stderr.split())
    assert str(tmp_path / which).encode() in failed.stderr.replace(b"\n", b"")
    assert b"permission denied; name a folder that you may write to" in said
    assert b"Traceback" not in said


def test_a_log_without_read_permission_is_named_and_others_are_followed(
    tmp_path: Path, writer: ZeekWriter, options: list[str]
) -> None:
    hidden = tmp_path / "logs" / "hidden.log"
    hidden.write_bytes(writer.path.read_bytes())
    hidden.chmod(0)
    failed = _run_bound_by_permissions(tmp_path, [hidden, writer.path], options)
    assert failed.returncode == ExitCode.INPUT, failed.stderr
    said = b" ".join(failed.stderr.split())
    assert b"hidden.log: cannot be opened: Permission denied. Give zeekml's user the right to read it" in said
    assert b"Traceback" not in said
    assert count(tmp_path / "out") == 50


_WITHOUT_PRIVILEGE = """
import ctypes
libc = ctypes.CDLL(None)
if os.geteuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: out of what a program may have
        if libc.prctl(23, capability, 0, 0, 0) == 1 and libc.prctl(24, capability, 0, 0, 0):
            # Not to be given up: in a user namespace in which one is nobody they are gone with the next program.
            if libc.unshare(0x10000000):
                sys.exit(77)
            break
"""


def _run_bound_by_permissions(
    folder: Path, logs: list[Path], options: list[str]
) -> subprocess.CompletedProcess[bytes]:
    """A watch to the end of the logs for which permissions count, also where the tests run as root."""
    done = run_after(_WITHOUT_PRIVILEGE, command_of(folder, logs, *options, "--once"))
    if done.returncode == 77:
        pytest.skip("runs as a root that may not give up its right to read and write everything")
    return done
