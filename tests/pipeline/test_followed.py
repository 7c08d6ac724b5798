"""Whoever follows the outputs as Filebeat, Splunk or ``tail -F`` do reads every record once and whole."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import random_log
from tests.journal.crash import Crash, Killed, crashing
from tests.pipeline.live_parts import records, watch_once
from zeekml.config import parse_settings
from zeekml.pipeline import live

FRAMES = {"a/conn.log": random_log(1, 160), "b/conn.log": random_log(2, 90)}
NAMES = ("notice", "zeekml")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps follow each other at once, and every third turn or so is a checkpoint."""
    monkeypatch.setattr(live, "PACE", 0.0)
    monkeypatch.setattr("zeekml.pipeline.checkpoints.LARGEST_JOURNAL", 12_000)


class Follower:
    """Reads what is new in every file of an output, known by device and inode whatever its name is, and holds back what
    follows the last line feed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[tuple[int, int], bytes] = {}
        self._lines: dict[str, list[bytes]] = {name: [] for name in NAMES}

    def look(self) -> None:
        """Take what is there now."""
        for name in NAMES:
            for path in [self._folder / f"{name}.log", *self._folder.glob(f"{name}.*.log")]:
                with suppress(FileNotFoundError), path.open("rb") as file:
                    self._take(name, file.fileno(), file.read())

    def records(self, name: str) -> list[str]:
        """The records of an output that were read."""
        return [line.decode() for line in self._lines[name] if not line.startswith(b"#")]

    def _take(self, name: str, descriptor: int, content: bytes) -> None:
        found = os.fstat(descriptor)
        before = self._files.get((found.st_dev, found.st_ino), b"")
        assert content.startswith(before), "what was read once is no longer there"
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) > len(before):
            self._lines[name] += whole[len(before) :].splitlines()
            self._files[found.st_dev, found.st_ino] = whole


@contextmanager
def following(folder: Path) -> Iterator[Follower]:
    """A follower at work beside whatever happens inside, and once more after it."""
    follower, over, trouble = Follower(folder), threading.Event(), list[BaseException]()

    def follow() -> None:
        try:
            while not over.wait(0.0005):
                follower.look()
            follower.look()
        except BaseException as error:  # told by the test, not by the thread
            trouble.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield follower
    finally:
        over.set()
        thread.join()
    assert not trouble, trouble[0]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # a snapshot, killed as well
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kills=st.lists(st.tuples(st.integers(1, 120), st.sampled_from([0.0, 0.3, 1.0])), max_size=4),
    rows=st.sampled_from([7, 40, 1000]),
    fmt=st.sampled_from(["tsv", "json"]),
)
def test_through_rotation_and_kills(
    kills: list[tuple[int, float]], rows: int, fmt: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("followed")
    chosen = parse_settings(
        f"score: {{log_threshold: 0.3, format: {fmt}}}\nalerts: {{suppress_for: 60}}\nwatch: {{rotate_size: 4000}}",
        "test",
    )
    with following(folder / "out") as follower:
        for at, share in kills:
            with crashing(Crash(at, share)), suppress(Killed):
                watch_once(FRAMES, itertools.repeat(rows), folder, chosen)
        watch_once(FRAMES, itertools.repeat(rows), folder, chosen)
    for name in NAMES:
        written = records(folder / "out", f"{name}.log")
        assert Counter(follower.records(name)) == Counter(written)
        assert len(set(written)) == len(written) > 0


def test_through_logrotate_and_sighup(tmp_path: Path) -> None:
    """The file is renamed from outside, and goes on being written until the signal."""
    chosen = parse_settings("score: {log_threshold: 0.3}\nalerts: {suppress_for: 60}", "test")
    out = tmp_path / "out"

    def at_poll(poll: int) -> None:
        if poll and poll % 5 == 0:
            for name in NAMES:
                with suppress(FileNotFoundError):
                    (out / f"{name}.log").rename(out / f"{name}.2026-11-23-14-00-{poll:02}.log")
        if poll and poll % 5 == 1:
            os.kill(os.getpid(), signal.SIGHUP)

    with following(out) as follower:
        watch_once(FRAMES, itertools.repeat(6), tmp_path, chosen, at_poll=at_poll)
    assert len(list(out.glob("zeekml.*.log"))) > 3
    undisturbed = tmp_path / "undisturbed"
    watch_once(FRAMES, itertools.repeat(6), undisturbed, chosen)
    for name in NAMES:
        assert Counter(follower.records(name)) == Counter(records(undisturbed / "out", f"{name}.log"))
