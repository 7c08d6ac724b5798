"""Outputs appear together or not at all, whatever goes wrong, and leave nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.alerts.logs import CLASSES
from tests.sinks.samples import OPENED, sample, write_all, written
from zeekml.errors import OutputError
from zeekml.sinks import Format, Outputs, open_outputs
from zeekml.sinks.folder import Folder

ROOT = Path(__file__).parent.parent.parent


def outputs_in(folder: Path, fmt: Format = "tsv") -> Outputs:
    return open_outputs(folder, fmt, model="m", classes=CLASSES, clock=lambda: OPENED)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_commit_puts_all_in_place(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    with outputs_in(out) as outputs:
        write_all(outputs, *sample())
        assert all(name.startswith(".") for name in names(out))
        outputs.commit()
    assert names(out) == ["notice.log", "rejects.log", "zeekml.log"]
    assert outputs.paths == {name: out / name for name in names(out)}
    assert list(outputs.paths)[-1] == "notice.log"
    assert (outputs.notice_log.lines, outputs.zeekml_log.lines, outputs.rejects_log.lines) == (6, 11, 2)
    for path in outputs.paths.values():
        assert stat.S_IMODE(path.stat().st_mode) & ~0o640 == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, None])
def test_without_a_commit_nothing_is_left(tmp_path: Path, error: type[BaseException] | None) -> None:
    out = tmp_path / "a" / "b"
    try:
        with outputs_in(out) as outputs:
            write_all(outputs, *sample())
            if error is not None:
                raise error
    except (KeyboardInterrupt, SystemExit, ValueError):
        pass
    assert names(tmp_path) == []
    assert outputs.paths == {}


def test_a_file_is_replaced_at_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    for content in (b"one", b"two"):
        folder.replace("drift.json", content)
        assert (tmp_path / "drift.json").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["drift.json"]
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OutputError, match="the disk is full"):
            folder.replace("drift.json", b"three")
    folder.abort()
    assert (tmp_path / "drift.json").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["drift.json"]


def test_an_aborted_run_leaves_the_former_one(tmp_path: Path) -> None:
    written(tmp_path, "tsv")
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with outputs_in(tmp_path) as outputs:
        write_all(outputs, *sample())
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_the_rejects_of_a_former_run_go_when_there_are_none(tmp_path: Path) -> None:
    written(tmp_path, "tsv")
    (tmp_path / "other.txt").write_text("kept")
    with outputs_in(tmp_path, "json") as outputs:
        outputs.commit()
    assert names(tmp_path) == ["notice.log", "other.txt", "zeekml.log"]
    assert (tmp_path / "notice.log").read_bytes() == b""


@pytest.mark.parametrize("fmt", ["tsv", "json"])
@pytest.mark.parametrize("after", ["tsv", "json"])
@pytest.mark.parametrize("with_rows", [True, False])
def test_a_former_run_is_replaced(tmp_path: Path, fmt: Format, after: Format, with_rows: bool) -> None:
    if with_rows:
        written(tmp_path, fmt)
    else:
        with outputs_in(tmp_path, fmt) as outputs:
            outputs.commit()
    written(tmp_path, after)
    assert names(tmp_path) == ["notice.log", "rejects.log", "zeekml.log"]
    with outputs_in(tmp_path, fmt) as outputs:
        outputs.commit()
    assert names(tmp_path) == ["notice.log", "zeekml.log"]


_ZEEKS = Path(__file__).parent.parent / "data" / "sinks"


def zeeks_notices(fmt: str, *, with_rows: bool) -> bytes:
    """A notice.log as Zeek itself writes it: the same columns, another node."""
    text = (_ZEEKS / fmt / "notice.log").read_text(encoding="utf-8")
    lines = (
        text.replace("\tzeekml\t", "\t-\t").replace('"peer_descr":"zeekml",', "").splitlines(keepends=True)
    )
    return "".join(line for line in lines if with_rows or line.startswith("#")).encode()


FOREIGN = [
    ("notice.log", zeeks_notices("tsv", with_rows=True)),
    ("notice.log", zeeks_notices("tsv", with_rows=False)),  # Zeek has just opened it
    ("notice.log", zeeks_notices("json", with_rows=True)),
    ("notice.log", b"a note to myself\n"),
    ("notice.log", b"{\n"),
    ("rejects.log", b"#fields\tts\tuid\n1.0\tC1\n"),
    ("rejects.log", b"mail that was rejected\n"),
    ("zeekml.log", b'{"level":"info","msg":"a log of some other program"}\n'),
    ("zeekml.log", b"\x00\x01\xff"),
]


@pytest.mark.parametrize(("name", "content"), FOREIGN)
def test_a_log_that_zeekml_did_not_write_is_kept(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OutputError, match=f"{name}: is not a log that zeekml wrote.*name another folder"):
        outputs_in(tmp_path)
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("name", ["notice.log", "rejects.log"])
def test_a_log_that_appears_while_we_write_is_kept(tmp_path: Path, name: str) -> None:
    with outputs_in(tmp_path) as outputs:
        (tmp_path / name).write_bytes(zeeks_notices("tsv", with_rows=True))
        with pytest.raises(OutputError, match="is not a log that zeekml wrote"):
            outputs.commit()
    assert names(tmp_path) == [name]


def test_an_empty_file_may_be_replaced(tmp_path: Path) -> None:
    for name in ("notice.log", "zeekml.log", "rejects.log"):
        (tmp_path / name).touch()
    written(tmp_path, "tsv")
    assert (tmp_path / "notice.log").read_bytes() != b""


def test_a_pipe_in_the_place_of_a_log_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "notice.log")
    with pytest.raises(OutputError, match=r"notice\.log is no ordinary file"):
        outputs_in(tmp_path)


def test_links_in_the_folder_are_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("notice.log", "zeekml.log", "rejects.log"):
        (out / name).symlink_to(victim)
    written(out, "tsv")
    assert victim.read_text() == "precious"
    assert not any((out / name).is_symlink() for name in names(out))


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("")
    with pytest.raises(OutputError, match=r"out is a file; results need a folder: name another"):
        outputs_in(out)
    with pytest.raises(OutputError, match="no folder; name another"):
        outputs_in(out / "below")


def test_a_folder_in_the_place_of_a_log_is_told(tmp_path: Path) -> None:
    (tmp_path / "notice.log").mkdir()
    with pytest.raises(OutputError, match=r"notice.log is a folder"):
        outputs_in(tmp_path)
    assert names(tmp_path) == ["notice.log"]


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root may write anywhere, the system's answer is made up."""

    def refuse(*args: object, **options: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match="permission denied; name a folder that you may write to"):
        outputs_in(tmp_path / "out")


def test_folders_made_on_the_way_go_when_the_last_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def refuse(path: Path, mode: int) -> None:
        if path.name == "c":
            raise OSError(errno.ENOSPC, "No space left on device")
        make(path, mode)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError, match="the disk is full"):
        outputs_in(tmp_path / "a" / "b" / "c")
    assert names(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    outputs = outputs_in(tmp_path)
    descriptor = os.open(full, os.O_WRONLY)
    os.dup2(descriptor, outputs._folder._parts["zeekml.log"]._file.fileno())
    os.close(descriptor)
    with (
        pytest.raises(OutputError, match=r"zeekml\.log cannot be written: the disk is full; free some space"),
        outputs,
    ):
        write_all(outputs, *sample())
    assert names(tmp_path) == []


def test_one_run_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    with outputs_in(tmp_path) as outputs:
        with pytest.raises(OutputError, match="another run is writing there"):
            outputs_in(tmp_path)
        outputs.commit()
    written(tmp_path, "tsv")


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from zeekml.sinks import open_outputs;"
        "held = open_outputs(sys.argv[1], 'tsv', model='m', classes=('Benign', 'DDoS'));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    (tmp_path / ".keep").write_text("")
    written(tmp_path, "tsv")
    assert names(tmp_path) == [".keep", "notice.log", "rejects.log", "zeekml.log"]


def test_file_systems_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert "notice.log" in names(written(tmp_path, "tsv"))
