"""The state folder: one process at a time, and generations that a crash cannot mix up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zeekml.errors import OutputError, StateError
from zeekml.journal.folder import StateFolder, find
from zeekml.journal.step import Step


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    again = "import pathlib, sys; from zeekml.journal.folder import *; StateFolder(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", again, str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "StateError" in done.stderr
    assert "another zeekml watch runs with this state folder" in done.stderr
    folder.close()
    StateFolder(tmp_path / "state").close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="state"):
        StateFolder(tmp_path / "file" / "state")


def test_the_newest_snapshot_and_the_journals_from_it_on_count(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    for generation in (1, 2, 3):
        journal = folder.begin_journal(generation)
        journal.append(Step(generation, {}).encode())
        journal.close()
    for generation in (1, 2):
        folder.snapshot(generation).write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    found = find(tmp_path)
    assert found.snapshot == folder.snapshot(2)
    assert found.generation == 3
    assert [step.number for step in found.steps()] == [2, 3]
    folder.remove_before(2)
    assert find(tmp_path) == found
    assert not folder.snapshot(1).exists()
    folder.close()


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    assert find(tmp_path).generation == find(tmp_path / "none").generation == 0
    assert list(find(tmp_path).steps()) == []


def test_a_journal_without_a_snapshot_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    folder.begin_journal(1).close()
    folder.close()
    with pytest.raises(StateError, match=r"journal\.00000001 is there, but no snapshot"):
        find(tmp_path)
