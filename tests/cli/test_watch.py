"""``zeekml watch`` as a process: the same verdicts as ``score``, signals, kills, messages."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from zeekml.cli import main


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def content(made_log: Path) -> list[bytes]:
    """The lines of the made log: a header, then 3,000 connections."""
    return made_log.read_bytes().splitlines(keepends=True)[:3008]


@pytest.fixture(scope="module")
def scored(content: list[bytes], bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``zeekml score`` makes of it."""
    folder = tmp_path_factory.mktemp("scored")
    (folder / "conn.log").write_bytes(b"".join(content))
    command = ["score", str(folder / "conn.log"), "--out", str(folder), "--model", str(bundle)]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--log-threshold", "0", "--quiet"])
    assert stop.value.code == 0
    return folder


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["watch", *(str(argument) for argument in arguments)])
    return int(stop.value.code or 0)


def rows(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def connections(path: Path) -> list[list[str]]:
    """Time, uid and ends: what does not depend on the last digits of a score."""
    return [line.split("\t")[:8] for line in rows(path)]


def assert_as_scored(out: Path, scored: Path) -> None:
    assert connections(out / "zeekml.log") == connections(scored / "zeekml.log")
    watched, batch = (
        [line.split("\t")[8] for line in rows(folder / "zeekml.log")] for folder in (out, scored)
    )
    assert max(abs(float(a) - float(b)) for a, b in zip(watched, batch, strict=True)) <= 1e-4
    assert [(*line.split("\t")[:7], line.split("\t")[10]) for line in rows(out / "notice.log")] == [
        (*line.split("\t")[:7], line.split("\t")[10]) for line in rows(scored / "notice.log")
    ]


@pytest.fixture
def options(bundle: Path, tmp_path: Path) -> list[str]:
    """Folders of its own, every connection logged."""
    (tmp_path / "watch.yaml").write_text("metrics: {listen: ''}\n")
    return [
        "--out", str(tmp_path / "out"), "--state", str(tmp_path / "state"), "--model", str(bundle),
        "--log-threshold", "0", "--config", str(tmp_path / "watch.yaml"),
    ]  # fmt: skip


def test_once_equals_score_and_goes_on(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "conn.log"
    for begin, end in pairwise((0, 1000, 1001, 3001, 3008)):
        with log.open("ab") as file:
            file.writelines(content[begin:end])
        assert run(log, *options, "--from-start", "--once") == 0
    assert_as_scored(tmp_path / "out", scored)
    assert "\n7 connections, " in capsys.readouterr().out


def test_from_end_begins_with_what_comes(content: list[bytes], options: list[str], tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.write_bytes(b"".join(content[:500]))
    assert run(log, *options, "--once") == 0
    assert not (tmp_path / "out" / "zeekml.log").exists()
    with log.open("ab") as file:
        file.writelines(content[500:510])
    assert run(log, *options, "--once") == 0
    assert len(rows(tmp_path / "out" / "zeekml.log")) == 10


def test_a_dry_run_prints_and_writes_nothing(
    content: list[bytes], options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conn.log").write_bytes(b"".join(content[:20]))
    assert run(tmp_path / "conn.log", *options, "--once", "--from-start", "--dry-run") == 0
    shown = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("zeekml.log: ") for line in shown) == 12
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "state").exists()


def test_the_settings_are_checked(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "conn.log", *options, "--once", "--poll", "0") == 6
    assert "watch.poll" in capsys.readouterr().err
    assert run(tmp_path / "conn.log", *options, "--once", "--model", "no-such-model") == 5


def test_the_state_of_another_log_is_refused(
    content: list[bytes], options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("conn.log", "other.log"):
        (tmp_path / name).write_bytes(b"".join(content[:20]))
    assert run(tmp_path / "conn.log", *options, "--once") == 0
    assert run(tmp_path / "other.log", *options, "--once") == 8
    assert "belongs to other logs" in capsys.readouterr().err


class Started:
    """A watch in a process of its own."""

    def __init__(self, log: Path, options: list[str], program: tuple[str, ...] = ("-m", "zeekml")) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, "watch", str(log), *options, "--from-start"],
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        said = self.process.communicate(timeout=30)[1]
        self.code = self.process.returncode
        return said


def wait_until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def count(path: Path) -> int:
    """Records, holding back what follows the last line feed."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return 0
    return sum(not line.startswith(b"#") for line in text[: text.rfind(b"\n") + 1].splitlines())


def test_a_live_log_is_followed_until_told_to_stop(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path
) -> None:
    """Appended, rotated, killed, stopped in order, the allowlist changed: every connection is there once."""
    log, out = tmp_path / "conn.log", tmp_path / "out"
    log.write_bytes(b"".join(content[:1008]))
    watch = Started(log, options)
    wait_until(lambda: count(out / "zeekml.log") == 1000)
    assert "another zeekml watch runs with this state folder" in Started(log, options).stop(0)

    with log.open("ab") as file:
        file.writelines(content[1008:1508])
        file.write(content[1508][:20])
        file.flush()
        wait_until(lambda: count(out / "zeekml.log") == 1500)
        file.write(content[1508][20:])
        file.flush()
        wait_until(lambda: count(out / "zeekml.log") == 1501)
    watch.stop(signal.SIGKILL)

    log.rename(tmp_path / "conn.2026-11-23-14-00-00.log")
    log.write_bytes(b"".join(content[:8] + content[1509:2008]))
    watch = Started(log, options)
    wait_until(lambda: count(out / "zeekml.log") == 2000)

    (out / "zeekml.log").rename(out / "zeekml.log.1")
    (tmp_path / "watch.yaml").write_text("alerts: {allowlist: [{reason: a typo, network: [10.0.0.0/8]}]}\n")
    watch.process.send_signal(signal.SIGHUP)
    with log.open("ab") as file:
        file.writelines(content[2008:2508])
    wait_until(lambda: count(out / "zeekml.log") + count(out / "zeekml.log.1") == 2500)
    began = time.monotonic()
    said = watch.stop()
    assert time.monotonic() - began < 5.0
    assert watch.code == 0
    assert "did you mean 'networks'?" in said
    assert "Traceback" not in said
    with log.open("ab") as file:
        file.writelines(content[2508:])
    (tmp_path / "watch.yaml").write_text("metrics: {listen: ''}\n")
    assert run(log, *options, "--once") == 0

    joined = (out / "zeekml.log.1").read_bytes() + (out / "zeekml.log").read_bytes()
    (out / "zeekml.log").write_bytes(joined)
    assert_as_scored(out, scored)
    assert oct((out / "notice.log").stat().st_mode & 0o777) == "0o640"
    assert not list((tmp_path / "state").glob(".*"))


ON_A_SLOW_DISK = """
import io, time
from zeekml.cli import main
from zeekml.journal import snapshot

class Slow(io.FileIO):
    def write(self, data):
        time.sleep(memoryview(data).nbytes / 5_000)
        return super().write(data)

snapshot.FileIO, snapshot._WRITE_BYTES = Slow, 1_000
main()
"""


def test_stopped_on_a_disk_too_slow_for_its_state_it_is_gone_within_five_seconds(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path
) -> None:
    """And nothing is lost: the next run reads the journal."""
    log, out, state = tmp_path / "conn.log", tmp_path / "out", tmp_path / "state"
    log.write_bytes(b"".join(content))
    watch = Started(log, options, ("-c", ON_A_SLOW_DISK))
    wait_until(lambda: count(out / "zeekml.log") == 3000)
    began = time.monotonic()
    said = watch.stop()
    assert time.monotonic() - began < 5.0
    assert watch.code == 0
    assert "stopped without a last checkpoint" in said
    assert "Traceback" not in said
    assert [path.name for path in state.glob("snapshot.*")] == ["snapshot.00000001"]
    assert_as_scored(out, scored)
    assert run(log, *options, "--once") == 0
    assert_as_scored(out, scored)
    assert (state / "snapshot.00000001").exists() is False
    size = max(path.stat().st_size for path in state.glob("snapshot.*"))
    assert size / 5_000 > 5, "saving it would have taken longer"


def test_an_allowlist_with_a_date_is_in_the_state(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path
) -> None:
    log = tmp_path / "conn.log"
    entry = "{reason: gone, networks: [0.0.0.0/0], expires: 2020-01-01}"
    (tmp_path / "watch.yaml").write_text(f"metrics: {{listen: ''}}\nalerts: {{allowlist: [{entry}]}}\n")
    for lines in (content[:1000], content[1000:]):
        with log.open("ab") as file:
            file.writelines(lines)
        assert run(log, *options, "--from-start", "--once") == 0
    assert_as_scored(tmp_path / "out", scored)


def rotated(content: list[bytes], *cuts: int) -> list[bytes]:
    """The log cut in files, each with the header."""
    return [b"".join(content[:8] + content[begin:end]) for begin, end in pairwise((8, *cuts, len(content)))]


def test_from_the_start_of_what_was_rotated_into_an_archive(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path
) -> None:
    logs, old = tmp_path / "logs", tmp_path / "old"
    logs.mkdir()
    old.mkdir()
    pieces = rotated(content, 500, 1000, 1500, 2500)
    (old / "conn.2026-11-23-08-00-00.log.gz").write_bytes(gzip.compress(pieces[0]))
    (old / "conn.2026-11-23-09-00-00.log").write_bytes(pieces[1])
    (logs / "conn.2026-11-23-10-00-00.log.gz").write_bytes(gzip.compress(pieces[2]))
    (logs / "conn.2026-11-23-11-00-00.log").write_bytes(pieces[3])
    (logs / "conn.log").write_bytes(pieces[4])
    (tmp_path / "watch.yaml").write_text(f"metrics: {{listen: ''}}\nwatch: {{archives: [{old}]}}\n")
    for _ in range(2):
        assert run(logs, *options, "--from-start", "--once") == 0
    assert_as_scored(tmp_path / "out", scored)


def test_what_was_rotated_into_an_archive_while_the_watch_was_down(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path
) -> None:
    log, old, out = tmp_path / "conn.log", tmp_path / "old", tmp_path / "out"
    old.mkdir()
    pieces = rotated(content, 700, 1400, 2100)
    (tmp_path / "watch.yaml").write_text(f"metrics: {{listen: ''}}\nwatch: {{archives: [{old}]}}\n")
    log.write_bytes(pieces[0])
    watch = Started(log, options)
    wait_until(lambda: count(out / "zeekml.log") == 692)
    watch.stop(signal.SIGKILL)
    for hour in (1, 2):
        log.rename(old / f"conn.2026-11-23-{hour:02d}-00-00.log")
        log.write_bytes(pieces[hour])
    packed = old / "conn.2026-11-23-02-00-00.log.gz"
    packed.write_bytes(gzip.compress(pieces[1]))
    packed.with_suffix("").unlink()
    watch = Started(log, options)
    wait_until(lambda: count(out / "zeekml.log") == 2092)
    log.rename(old / "conn.2026-11-23-03-00-00.log")
    log.write_bytes(pieces[3])
    wait_until(lambda: count(out / "zeekml.log") == 3000)
    assert "Traceback" not in watch.stop()
    assert watch.code == 0
    assert_as_scored(out, scored)


def test_an_archive_that_is_not_there_or_not_of_one_log_is_refused(
    content: list[bytes], options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "conn.log").write_bytes(b"".join(content[:20]))
    settings = tmp_path / "watch.yaml"
    settings.write_text(f"watch: {{archives: [{tmp_path / 'nowhere'}]}}\n")
    assert run(tmp_path / "a", *options, "--once") == 6
    assert f"watch.archives: {tmp_path / 'nowhere'}: no such folder" in capsys.readouterr().err
    settings.write_text(f"watch: {{archives: [{tmp_path / 'out'}]}}\n")
    (tmp_path / "out").mkdir()
    assert run(tmp_path / "a", tmp_path / "b", *options, "--once") == 6
    assert "which cannot be told apart" in capsys.readouterr().err


def test_a_log_is_gone_on_with_under_another_spelling(
    content: list[bytes], scored: Path, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is remembered of its hosts: the scores are those of one run."""
    log = tmp_path / "conn.log"
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path, begin, end in (
        ("conn.log", 0, 1000),
        (tmp_path / "link" / "conn.log", 1000, 2000),
        (log, 2000, 3008),
    ):
        with log.open("ab") as file:
            file.writelines(content[begin:end])
        assert run(path, *options, "--from-start", "--once") == 0
    assert_as_scored(tmp_path / "out", scored)
