"""Standard output that goes away, or is full: the outputs of a run and its exit code do not depend on a reader."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

COMMANDS: Sequence[Sequence[str]] = (
    ("config", "show"),
    ("model", "list"),
    ("--help",),
    ("--version",),
    ("simulate", "--out", "-", "--connections", "5000"),
)


def zeekml(*arguments: str | Path, stdout: int) -> tuple[int, str]:
    """Exit code and standard error of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "zeekml", *arguments],
        stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.fixture
def no_reader() -> int:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.fixture
def full() -> int:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize(("option", "code"), [("--threads=1", 0), ("--fail-on-alert", 3)])
def test_a_reader_that_has_gone_changes_nothing(
    option: str, code: int, no_reader: int, made_log: Path, tmp_path: Path
) -> None:
    found, said = zeekml("score", made_log, "--out", tmp_path, option, stdout=no_reader)
    assert found == code
    assert "Traceback" not in said
    assert "Broken pipe" not in said
    assert (tmp_path / "notice.log").is_file()


def test_a_full_device_gives_code_7_and_the_outputs_are_there(
    full: int, made_log: Path, tmp_path: Path
) -> None:
    found, said = zeekml("score", made_log, "--out", tmp_path, stdout=full)
    assert found == 7
    assert said.splitlines()[-1].startswith("zeekml: standard output cannot be written: No space left")
    assert "Traceback" not in said
    assert (tmp_path / "notice.log").is_file()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_bears_it(command: Sequence[str], no_reader: int, full: int) -> None:
    found, said = zeekml(*command, stdout=no_reader)
    assert (found, "rror" in said) == (0, False)
    found, said = zeekml(*command, stdout=full)
    assert found == 7
    assert said.startswith("zeekml: standard output cannot be written")
