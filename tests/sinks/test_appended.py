"""Files of alerts: each line once, whole, whatever happened before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sinks.alerts import ids, some_alerts
from zeekml.errors import SinkError
from zeekml.sinks.appended import AppendedFile
from zeekml.sinks.ecs import EcsSink
from zeekml.sinks.eve_alert import EveAlertSink, eve_line


def lines_of(*numbers: int) -> list[tuple[str, bytes]]:
    return [(str(number), b"%d and more\n" % number) for number in numbers]


def identify(line: bytes) -> str | None:
    number, _, rest = line.partition(b" ")
    return number.decode() if rest == b"and more" else None


def test_lines_are_appended_once(tmp_path: Path) -> None:
    file = AppendedFile(tmp_path / "a", identify)
    file.append(lines_of(1, 2))
    file.append(lines_of(2, 3))
    file.append([])
    assert (tmp_path / "a").read_bytes() == b"1 and more\n2 and more\n3 and more\n"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) & ~0o640 == 0


@given(cut=st.integers(0, 33), again=st.integers(0, 3))
def test_whatever_a_crash_left_is_completed(
    tmp_path_factory: pytest.TempPathFactory, cut: int, again: int
) -> None:
    path = tmp_path_factory.mktemp("crash") / "a"
    whole = b"".join(line for _, line in lines_of(1, 2, 3))
    path.write_bytes(whole[:cut])
    delivered_before = min(again, cut // 11)  # the cursor is behind what stands in the file, never before
    AppendedFile(path, identify).append(lines_of(1, 2, 3)[delivered_before:])
    assert path.read_bytes() == whole


def test_half_a_line_of_another_stays_on_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"something els")
    AppendedFile(tmp_path / "a", identify).append(lines_of(1))
    assert (tmp_path / "a").read_bytes() == b"something els\n1 and more\n"


@pytest.mark.parametrize("moved", ["a.ndjson.1", "a.ndjson-20261123", "a-20261123.ndjson"])
def test_what_a_file_holds_that_was_moved_away_after_a_crash_is_not_written_again(
    tmp_path: Path, moved: str
) -> None:
    path = tmp_path / "a.ndjson"
    AppendedFile(path, identify).append(lines_of(1, 2))
    path.rename(tmp_path / moved)
    (tmp_path / "a.ndjson.2.gz").write_bytes(bytes(100))  # nothing to be read
    for number in range(4, 8):
        (tmp_path / f"a.ndjson.{number}").touch()
    (tmp_path / "a.ndjson.3").symlink_to("nowhere")
    AppendedFile(path, identify).append(lines_of(1, 2, 3))  # the cursor was not yet written down
    assert path.read_bytes() == b"3 and more\n"


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    file = AppendedFile(tmp_path / "a", identify)
    file.append(lines_of(1))
    (tmp_path / "a").rename(tmp_path / "a.1")
    file.append(lines_of(1, 2))  # what the moved file holds is not written again
    (tmp_path / "a").unlink()
    file.append(lines_of(3))
    file.close()
    file.close()
    assert (tmp_path / "a.1").read_bytes() == b"1 and more\n"
    assert (tmp_path / "a").read_bytes() == b"3 and more\n"


def test_nothing_is_written_through_a_link_or_into_something_else(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "absent/a", "."):
        with pytest.raises(SinkError, match="cannot be appended"):
            AppendedFile(tmp_path / name, identify).append(lines_of(1))
    assert not (tmp_path / "target").exists()


def test_after_a_failure_the_rest_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = AppendedFile(tmp_path / "a", identify)
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if os.fstat(descriptor).st_size >= 5:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(data)[:5])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(SinkError, match="No space left"):
            file.append(lines_of(1, 2))
    assert (tmp_path / "a").read_bytes() == b"1 and"
    file.append(lines_of(1, 2))
    assert (tmp_path / "a").read_bytes() == b"1 and more\n2 and more\n"


def test_the_ids_of_documents_and_events_are_found_again(tmp_path: Path) -> None:
    alerts = some_alerts(5)
    for kind, name in ((EcsSink, "ecs"), (EveAlertSink, "eve")):
        kind(tmp_path / name).deliver(alerts[:3])
        again = kind(tmp_path / name)
        again.deliver(alerts)
        again.close()
        assert len((tmp_path / name).read_bytes().splitlines()) == 5
    with (tmp_path / "eve").open("ab") as file:
        file.write(b'{"timestamp":"x"}\nno JSON\n{"zeekml":3}\n' + eve_line(some_alerts(1, 9)[0])[:50])
    EveAlertSink(tmp_path / "eve").deliver([*alerts, *some_alerts(1, 9)])
    text = (tmp_path / "eve").read_text()
    assert [text.count(f'"id":"{key}"') for key in ids([*alerts, *some_alerts(1, 9)])] == [1] * 6
