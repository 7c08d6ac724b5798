"""What the doctor says of logs."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.health.made import with_history
from zeekml.operations.doctor.finding import Finding, Level
from zeekml.operations.doctor.folders import check_folder
from zeekml.operations.doctor.logs import check_path
from zeekml.operations.doctor.twins import check_twins
from zeekml.simulate import Scenario, write_traffic

NOW = time.time()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "conn.log"
    write_traffic(path, Scenario(connections=3000, seed=1, start=NOW - 3600))
    return path


def findings(
    path: Path, now: float | None = None, logrotate: tuple[Path, ...] = ()
) -> dict[Level, list[Finding]]:
    found: dict[Level, list[Finding]] = {level: [] for level in Level}
    for finding in check_path(path, time.time() if now is None else now, logrotate):
        found[finding.level].append(finding)
    return found


def test_a_log_that_is_written_now_is_well(log: Path) -> None:
    found = findings(log, now=NOW + 7200)
    assert not found[Level.WRONG]
    assert "a connection log" in found[Level.OK][0].what


def test_only_whole_lines_at_the_end_are_read(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"1700000000.0\thalf a li")
    (first, *_) = findings(log)[Level.OK]
    assert first.what.endswith("of its latest lines were read")
    assert not [each for each in findings(log)[Level.WARNING] if "could not be read" in each.what]


def test_lines_that_cannot_be_read_are_told(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"not\ta\tconnection\n")
    (told,) = [each for each in findings(log)[Level.WARNING] if "could not be read" in each.what]
    assert " 1 of its latest lines" in told.what


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello\n", "no header"),
        (b"#separator \\x09\n#fields\tts\tuid\n1\tC\n", "lacks"),
        (b"\x00\x01\x02\x7fELF\n", "binary"),
    ],
)
def test_what_is_no_connection_log_is_wrong(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "conn.log").write_bytes(content)
    (told,) = findings(tmp_path / "conn.log")[Level.WRONG]
    assert said in told.what
    assert "conn.log of Zeek" in told.cure


def test_an_empty_log_and_one_not_there_yet_are_not_wrong(tmp_path: Path) -> None:
    (tmp_path / "conn.log").touch()
    assert not findings(tmp_path / "conn.log")[Level.WRONG]
    (told,) = findings(tmp_path / "none.log")[Level.WARNING]
    assert "not there yet" in told.what


def test_clocks_that_differ_are_told(log: Path) -> None:
    (told,) = findings(log, now=NOW - 7200)[Level.WARNING]
    assert "ahead of this machine's clock" in told.what


def test_a_silent_log_and_old_traffic_are_told(log: Path, tmp_path: Path) -> None:
    (told,) = findings(log, now=NOW + 10 * 3600)[Level.WARNING]
    assert "nothing was written for" in told.what
    old = tmp_path / "old.log"
    write_traffic(old, Scenario(connections=100, seed=1, start=NOW - 10 * 86_400))
    (told,) = findings(old)[Level.WARNING]
    assert "days old" in told.what


def test_rotated_files_are_counted(log: Path) -> None:
    (log.parent / "conn.2026-11-23-10-00-00.log").write_bytes(log.read_bytes())
    (log.parent / "conn.2026-11-23-09-00-00.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    (log.parent / "dns.2026-11-23-09-00-00.log.gz").write_bytes(gzip.compress(b""))
    said = [each.what for each in findings(log)[Level.OK]]
    assert f"{log}: 2 rotated files beside it, 1 of them compressed" in said


def test_a_compressed_log_is_looked_at(log: Path) -> None:
    packed = log.with_name("other.log.gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert not findings(packed)[Level.WRONG]


def test_copytruncate_is_told(log: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "zeek").write_text(f"{log.parent}/*.log {{\n  daily\n  copytruncate\n}}\n/x {{ create }}\n")
    (rules / "other").write_text("/var/log/other.log { copytruncate }\n")
    told = [each for each in findings(log, logrotate=(rules,))[Level.WARNING] if "copytruncate" in each.what]
    assert len(told) == 1
    assert str(rules / "zeek") in told[0].what


def test_a_folder_is_looked_through(log: Path) -> None:
    (log.parent / "dns.log").write_text("#fields\tts\n")
    found = findings(log.parent)
    assert not found[Level.WRONG]
    assert any(each.what.startswith(f"{log}: a connection log") for each in found[Level.OK])
    empty = log.parent.parent / "empty"
    empty.mkdir()
    (told,) = findings(empty)[Level.WARNING]
    assert "no connection log" in told.what


def said_of_twins(*paths: Path) -> list[Finding]:
    return list(check_twins(paths))


def test_two_forms_of_one_log_are_told(log: Path) -> None:
    """Beside each other, further down, or named one by one; whatever they are called."""
    assert said_of_twins(log.parent) == []
    assert said_of_twins(log, log) == []
    twin = log.parent / "json" / "conn_json.log"
    twin.parent.mkdir()
    write_traffic(twin, Scenario(connections=3000, seed=1, start=NOW - 3600), format="json")
    other = log.parent / "other.log"
    write_traffic(other, Scenario(connections=3000, seed=2, start=NOW - 3600))
    for paths in ([log.parent], [log, twin], [log.parent, twin]):
        (told,) = said_of_twins(*paths)
        assert told.level is Level.WARNING
        assert f"{log} and {twin} are two forms of one log" in told.what
        assert "name the one that is meant" in told.cure
    assert said_of_twins(log, other, log.parent / "none.log") == []


def test_what_cannot_be_read_is_no_twin(log: Path) -> None:
    (log.parent / "conn_json.log").write_bytes(b"\x00")
    assert said_of_twins(log.parent, log.parent / "conn_json.log") == []


def open_to_all(folder: Path) -> None:
    """Let everybody through to a folder of this test."""
    for each in (folder, *folder.parents):
        if each.stat().st_mode & 0o777 == 0o700 and "pytest" in str(each):
            each.chmod(0o755)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Run as a user who may not read everything; root may."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_what_may_not_be_read_is_wrong_with_a_cure(log: Path, request: pytest.FixtureRequest) -> None:
    open_to_all(log.parent)
    log.chmod(0o600 if os.geteuid() == 0 else 0)
    rotated = log.with_name("conn.2026-11-23-10-00-00.log")
    rotated.write_bytes(b"")
    rotated.chmod(log.stat().st_mode)
    request.getfixturevalue("nobody")
    (told,) = findings(log)[Level.WRONG]
    assert told.what == f"{log}: may not be read"
    assert "usermod -aG" in told.cure


def test_a_folder_that_may_not_be_entered_is_wrong(log: Path, request: pytest.FixtureRequest) -> None:
    open_to_all(log.parent.parent)
    log.parent.chmod(0o700 if os.geteuid() == 0 else 0)
    try:
        request.getfixturevalue("nobody")
        for path in (log, log.parent / "further" / "conn.log"):
            (told,) = findings(path)[Level.WRONG]
            assert told.what == f"{path}: {log.parent} may not be entered"
        (told,) = check_folder("outputs", log.parent / "further" / "out", 0)
        assert told.level is Level.WRONG
    finally:
        if os.geteuid() == log.parent.parent.stat().st_uid:
            log.parent.chmod(0o700)


def test_a_log_that_cannot_be_trusted_is_told(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    write_traffic(path, Scenario(connections=3000, seed=1, start=NOW - 3600))
    assert not [each for each in findings(path)[Level.WARNING] if "checksums" in each.what]
    path.write_text(with_history(path.read_text(), "C"))
    (told,) = [each for each in findings(path)[Level.WARNING] if "bad-checksums" in each.what]
    assert told.what.startswith(f"{path}: in its latest lines: bad-checksums: bad checksums in ")
    assert "thresholds do not hold" in told.cure
    assert "ethtool -K" in told.cure
