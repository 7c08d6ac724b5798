"""Fixtures shared by all tests."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A change is judged by the same examples every time, however busy the machine is. New ones are looked for with
# `pytest --hypothesis-profile=new`, see CONTRIBUTING.md.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("same")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real labelled logs; tests that need it are skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("ZEEKML_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "zeek" / "groups.csv").is_file():
        pytest.skip(f"real logs are absent (no {folder / 'zeek' / 'groups.csv'}): set ZEEKML_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def made_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made conn.log (TSV) of 20,000 connections with hosts that scan, beacon and flood."""
    from zeekml.simulate import Scenario, write_traffic

    path = tmp_path_factory.mktemp("made") / "conn.log"
    write_traffic(path, Scenario(connections=20_000, seed=7))
    return path


@pytest.fixture(scope="session", autouse=True)
def interrupts_are_heard() -> Iterator[None]:
    """Hear SIGINT and SIGHUP also where the tests were started by a shell in the background, or by nohup: ignored."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hang_up)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a command that ran in this process set up for its log."""
    root, ours = logging.getLogger(), logging.getLogger("zeekml")
    level = ours.level
    yield
    # Pytest's own handlers come and go around each phase of a test: only ours are taken away.
    root.handlers[:] = [each for each in root.handlers if not type(each).__module__.startswith("zeekml")]
    ours.setLevel(level)
