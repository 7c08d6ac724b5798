"""Outputs that only grow: headers, links, files taken away, rotation, completion after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeekml.errors import OutputError
from zeekml.journal.outputs import LiveOutputs
from zeekml.journal.recovery import Completion
from zeekml.journal.rotation import OutputRotation
from zeekml.journal.step import Append
from zeekml.sinks.escapes import Format

NOON = 1_795_000_000.0


class Clock:
    """A wall clock set by hand."""

    now = NOON

    def __call__(self) -> float:
        return self.now


def opened(
    folder: Path, *, fmt: Format = "tsv", clock: Clock | None = None, rotation: OutputRotation | None = None
) -> LiveOutputs:
    return LiveOutputs(
        folder,
        fmt,
        model="m",
        classes=("Benign", "Bot"),
        rotation=rotation or OutputRotation(),
        clock=clock or Clock(),
    )


def reject(outputs: LiveOutputs, text: str) -> list[Append]:
    outputs.rejects_log.write("conn.log", 7, "too few fields", text)
    appends = outputs.pending()
    outputs.append(appends)
    return appends


def lines(path: Path) -> list[str]:
    """Lines but for those that hold times."""
    return [line for line in path.read_text().splitlines() if not line.startswith(("#open", "#close"))]


def records(path: Path) -> list[str]:
    return [line for line in lines(path) if not line.startswith("#")]


def test_a_file_begins_with_a_header_and_goes_on_without(tmp_path: Path) -> None:
    outputs = opened(tmp_path)
    assert outputs.pending() == []
    assert list(tmp_path.iterdir()) == []
    reject(outputs, "one")
    reject(outputs, "two")
    known = outputs.known
    outputs.close()
    outputs = opened(tmp_path)
    outputs.remember({name: list(each) for name, each in known.items()})
    reject(outputs, "three")
    outputs.close()
    shown = lines(tmp_path / "rejects.log")
    assert shown[0] == r"#separator \x09"
    assert [line.split("\t")[-1] for line in shown[-3:]] == ["one", "two", "three"]
    assert sum(line.startswith("#fields") for line in shown) == 1
    assert (tmp_path / "rejects.log").stat().st_mode & 0o777 == 0o640


def test_a_file_of_others_is_gone_on_with_after_a_header(tmp_path: Path) -> None:
    (tmp_path / "rejects.log").write_text("half a line")
    outputs = opened(tmp_path)
    reject(outputs, "one")
    outputs.close()
    assert lines(tmp_path / "rejects.log")[:2] == ["half a line", r"#separator \x09"]


@pytest.mark.parametrize("own", [False, True])
def test_the_notice_log_of_another_program_is_left_alone(own: bool, tmp_path: Path) -> None:
    peer = "zeekml" if own else "sensor-1"
    (tmp_path / "notice.log").write_text(f"#separator \\x09\n1.0\tC1\t{peer}\tNotice::ACTION_LOG\n")
    outputs = opened(tmp_path)
    outputs.add_raw("notice.log", b"line\n")
    if own:
        outputs.append(outputs.pending())
        assert records(tmp_path / "notice.log")[-1] == "line"
    else:
        with pytest.raises(OutputError, match="was written by another program"):
            outputs.pending()
    outputs.close()


def test_json_has_no_header(tmp_path: Path) -> None:
    outputs = opened(tmp_path, fmt="json")
    reject(outputs, "one")
    outputs.close()
    assert lines(tmp_path / "rejects.log") == [
        '{"source":"conn.log","line":7,"reason":"too few fields","text":"one"}'
    ]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rejects.log").symlink_to(tmp_path / "elsewhere")
    outputs = opened(tmp_path)
    with pytest.raises(OutputError, match="it is a link"):
        reject(outputs, "one")
    outputs.close()
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_in_the_place_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "rejects.log").mkdir()
    outputs = opened(tmp_path)
    with pytest.raises(OutputError, match=r"rejects\.log"):
        reject(outputs, "one")
    outputs.close()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    outputs = opened(tmp_path)
    with pytest.raises(OutputError, match="another run is writing there"):
        opened(tmp_path)
    outputs.close()
    opened(tmp_path).close()


def test_a_renamed_file_is_gone_on_with_until_reopened(tmp_path: Path) -> None:
    """As logrotate does: rename, perhaps create, SIGHUP."""
    outputs = opened(tmp_path)
    reject(outputs, "one")
    (tmp_path / "rejects.log").rename(tmp_path / "rejects.log.1")
    reject(outputs, "two")
    (tmp_path / "rejects.log").touch()
    outputs.reopen()
    reject(outputs, "three")
    outputs.reopen()  # without a rotation nothing begins anew
    reject(outputs, "four")
    outputs.close()
    assert len(records(tmp_path / "rejects.log.1")) == 2
    assert [line.split("\t")[-1] for line in records(tmp_path / "rejects.log")] == ["three", "four"]
    assert sum(line.startswith("#fields") for line in lines(tmp_path / "rejects.log")) == 1


def test_a_removed_file_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outputs = opened(tmp_path)
    reject(outputs, "one")
    (tmp_path / "rejects.log").unlink()
    reject(outputs, "two")
    outputs.close()
    assert len(records(tmp_path / "rejects.log")) == 1
    assert "was removed" in caplog.text


def test_a_file_cut_by_copytruncate_gets_a_header(tmp_path: Path) -> None:
    outputs = opened(tmp_path)
    reject(outputs, "one")
    (tmp_path / "rejects.log").write_text("")
    reject(outputs, "two")
    outputs.close()
    assert lines(tmp_path / "rejects.log")[0] == r"#separator \x09"
    assert len(records(tmp_path / "rejects.log")) == 1


def test_rotation_closes_and_renames_and_the_next_line_begins_a_file(tmp_path: Path) -> None:
    clock = Clock()
    outputs = opened(tmp_path, clock=clock, rotation=OutputRotation(every=3600))
    reject(outputs, "one")
    assert outputs.due_rotations() == []
    clock.now += 3600
    outputs.append(outputs.due_rotations())
    (rotated,) = tmp_path.iterdir()
    assert rotated.read_text().splitlines()[-1].startswith("#close\t")
    assert outputs.due_rotations() == []
    reject(outputs, "two")
    outputs.close()
    assert len(records(rotated)) == len(records(tmp_path / "rejects.log")) == 1


def test_what_an_earlier_run_began_is_rotated_in_its_time(tmp_path: Path) -> None:
    clock, hourly = Clock(), OutputRotation(every=3600)
    outputs = opened(tmp_path, clock=clock, rotation=hourly)
    reject(outputs, "one")
    known = outputs.known
    outputs.close()
    clock.now += 7200
    outputs = opened(tmp_path, clock=clock, rotation=hourly)
    outputs.remember(known)
    outputs.append(outputs.due_rotations())
    outputs.close()
    assert [path.name.count("-") for path in tmp_path.iterdir()] == [5]


@pytest.mark.parametrize("have", [0, 1, 30, 10_000])
@pytest.mark.parametrize("renamed", [False, True])
def test_what_is_missing_is_appended_once(have: int, renamed: bool, tmp_path: Path) -> None:
    outputs = opened(tmp_path)
    outputs.rejects_log.write("conn.log", 1, "why", "text" * 100)
    (append,) = outputs.pending()
    outputs.close()
    path = tmp_path / "rejects.log"
    path.write_bytes(append.data[:have])
    if renamed:
        path = path.rename(tmp_path / "rejects.log.1")
    for _ in range(2):
        completion = Completion(tmp_path)
        assert completion.complete([append]) == []
        completion.finish()
        assert path.read_bytes() == append.data


def test_a_rotation_is_finished_once(tmp_path: Path) -> None:
    path = tmp_path / "notice.log"
    path.write_bytes(b"line\n")
    found = path.stat()
    append = Append("notice.log", found.st_dev, found.st_ino, 5, b"#close\n", "notice.old.log")
    for _ in range(2):
        completion = Completion(tmp_path)
        assert completion.complete([append]) == []
        completion.finish()
    assert [each.name for each in tmp_path.iterdir()] == ["notice.old.log"]
    assert (tmp_path / "notice.old.log").read_bytes() == b"line\n#close\n"


@pytest.mark.parametrize("content", [None, b"", b"0123456other"])
def test_bytes_for_a_file_that_is_not_there_as_it_was_are_given_back(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "notice.log"
    path.write_bytes(b"0123456789")
    found = path.stat()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    append = Append("notice.log", found.st_dev, found.st_ino, 7, b"line no. 1\n")
    completion = Completion(tmp_path)
    assert completion.complete([append]) == [append]
    completion.finish()
    assert Completion(tmp_path / "none").complete([append]) == [append]
