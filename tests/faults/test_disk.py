"""Disks that fill up under a watch, and files that may not grow: it says so, and goes on where it stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import namespaces
from tests.faults.full_disk import ROOM
from tests.faults.trouble import run_after
from tests.faults.watching import ROOT, command_of, count, records, settings_file, uids
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.cli.exit_codes import ExitCode

_LINES = 1000


@pytest.fixture
def log(writer: ZeekWriter) -> Path:
    """A log of a thousand connections."""
    writer.write(*range(50, _LINES))
    return writer.path


def test_a_full_disk_of_the_outputs_is_told_and_with_space_again_all_is_completed(
    tmp_path: Path, log: Path, options: list[str]
) -> None:
    (tmp_path / "out").mkdir()
    mount = f"mount -t tmpfs -o size=256k tmpfs '{tmp_path / 'out'}'"
    namespaces.need(mount)
    # zeekml.log is written after notice.log, which has hardly a notice then.
    settings_file(tmp_path, "alerts: {connection_threshold: 0.999999, host_threshold: 1000000}\n")
    command = [sys.executable, "-m", "tests.faults.full_disk", str(tmp_path), str(log), *options]
    done = subprocess.run(
        namespaces.within(mount, command), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    said = " ".join(seen["said"].split())
    assert seen["code"] == ExitCode.OUTPUT, said
    assert "zeekml.log cannot be written: the disk is full; free some space" in said
    assert "Traceback" not in said
    assert seen["full"]
    assert 0 < seen["stood"] <= ROOM  # the disk filled up in the midst of zeekml.log
    assert seen["kept"], "what stood in zeekml.log was changed"
    assert seen["code_again"] == 0, seen["said_again"]
    _assert_every_line_once(tmp_path / "kept")


def test_a_zeekml_log_that_may_not_grow_is_told_and_the_next_start_completes(
    tmp_path: Path, log: Path, options: list[str]
) -> None:
    """No right to anything is needed for this one, so it runs everywhere."""
    grown = b"# grown before\n" * 200_000
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "zeekml.log").write_bytes(grown)
    command = command_of(tmp_path, [log], *options, "--once")
    failed = _run_with_files_up_to(len(grown) + 20_000, command)
    said = b" ".join(failed.stderr.split())
    assert failed.returncode == ExitCode.OUTPUT, said
    assert b"zeekml.log cannot be written: the file grew beyond the allowed size" in said
    assert b"Traceback" not in said
    stood = (tmp_path / "out" / "zeekml.log").read_bytes()
    assert len(stood) == len(grown) + 20_000
    subprocess.run(command, cwd=ROOT, check=True)
    assert (tmp_path / "out" / "zeekml.log").read_bytes().startswith(stood)
    _assert_every_line_once(tmp_path / "out")


def test_a_state_folder_without_room_is_told_and_the_next_start_completes(
    tmp_path: Path, log: Path, options: list[str]
) -> None:
    command = command_of(tmp_path, [log], *options, "--once")
    failed = _run_with_files_up_to(20_000, command)
    assert failed.returncode == ExitCode.OUTPUT, failed.stderr
    assert b"cannot be written" in failed.stderr
    assert b"allowed size" in failed.stderr
    assert b"Traceback" not in failed.stderr
    assert count(tmp_path / "out") == 0
    subprocess.run(command, cwd=ROOT, check=True)
    _assert_every_line_once(tmp_path / "out")


def _assert_every_line_once(out: Path) -> None:
    assert uids(records(out, "zeekml")) == {f"C{number:017d}": 1 for number in range(_LINES)}


def _run_with_files_up_to(limit: int, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run it where no file can grow beyond the limit, as on a full disk."""
    return run_after(
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))",
        command,
    )
