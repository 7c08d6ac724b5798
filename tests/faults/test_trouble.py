"""What a sensor's machine does to a watch: folders, logs and disks that fail, an end that is asked for, idleness."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from tests.faults.watching import ROOT, count, records, settings_file, uids, wait_for, watching
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.cli.exit_codes import ExitCode


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture
def options(tmp_path: Path, model: Path) -> list[str]:
    config = settings_file(tmp_path, "watch: {poll: 0.2}\n")
    return ["--model", str(model), "--from-start", "--config", str(config)]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[ZeekWriter]:
    (tmp_path / "logs").mkdir()
    writer = ZeekWriter(tmp_path / "logs" / "conn.log")
    writer.write(*range(50))
    yield writer
    writer.close()


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


def test_a_disk_that_fills_up_is_told_and_the_next_start_completes(
    tmp_path: Path, writer: ZeekWriter, options: list[str]
) -> None:
    writer.write(*range(50, 1000))
    command = [sys.executable, "-m", "zeekml", "watch", str(writer.path), "--out", str(tmp_path / "out")]
    command += ["--state", str(tmp_path / "state"), "--log-threshold", "0", "--once", *options]
    failed = _run_with_files_up_to(20_000, command)
    assert failed.returncode == ExitCode.OUTPUT, failed.stderr
    assert b"cannot be written" in failed.stderr
    assert b"allowed size" in failed.stderr
    assert b"Traceback" not in failed.stderr
    assert count(tmp_path / "out") == 0
    subprocess.run(command, cwd=ROOT, check=True)
    assert set(uids(records(tmp_path / "out", "zeekml")).values()) == {1}
    assert count(tmp_path / "out") == 1000


@pytest.mark.parametrize("which", ["out", "state"])
def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, writer: ZeekWriter, options: list[str], which: str
) -> None:
    for name in ("out", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / which).chmod(0o555)
    failed = _run_bound_by_permissions(tmp_path, writer.path, options)
    assert failed.returncode == ExitCode.OUTPUT, failed.stderr
    assert str(tmp_path / which).encode() in failed.stderr.replace(b"\n", b"")
    assert b"Traceback" not in failed.stderr


def test_a_log_without_read_permission_is_named_and_others_are_followed(
    tmp_path: Path, writer: ZeekWriter, options: list[str]
) -> None:
    hidden = tmp_path / "logs" / "hidden.log"
    hidden.write_bytes(writer.path.read_bytes())
    hidden.chmod(0)
    failed = _run_bound_by_permissions(tmp_path, hidden, [str(writer.path), *options])
    assert failed.returncode == ExitCode.INPUT, failed.stderr
    assert b"hidden.log" in failed.stderr
    assert b"ermission denied" in failed.stderr
    assert count(tmp_path / "out") == 50


def _run_bound_by_permissions(
    folder: Path, log: Path, options: list[str]
) -> subprocess.CompletedProcess[bytes]:
    """A watch to the end of the logs for which permissions count, also where the tests run as root."""
    command = [sys.executable, "-m", "zeekml", "watch", str(log), "--out", str(folder / "out")]
    command += ["--state", str(folder / "state"), "--log-threshold", "0", "--once", *options]
    done = _run_after(
        "import ctypes\n"
        "for capability in (1, 2):\n"  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: out of the bounding set
        "    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(24, capability, 0, 0, 0): sys.exit(77)",
        command,
    )
    if done.returncode == 77:
        pytest.skip("runs as a root that may not give up its right to read and write everything")
    return done


def _run_with_files_up_to(limit: int, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run it where no file can grow beyond the limit, as on a full disk."""
    return _run_after(
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))",
        command,
    )


def _run_after(first: str, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process that did something before."""
    code = f"import os, sys\n{first}\nos.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, check=False)
