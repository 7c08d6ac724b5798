"""A watch that is told something: to read its allowlist again, or to stop."""

from __future__ import annotations

import itertools
import os
import signal
import time
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from tests.journal.crash import Killed
from tests.pipeline.live_parts import records, watch_once
from tests.pipeline.undisturbed import (
    FRAMES,
    SETTINGS,
    Noted,
    Records,
    by_stream,
    of_size,
    outputs_of,
    signalled,
)
from zeekml.config import parse_settings
from zeekml.operations import watching
from zeekml.pipeline import live

pytestmark = pytest.mark.usefixtures("quick")
EVERYTHING = "{reason: all of it, networks: [0.0.0.0/0]}"


@pytest.mark.parametrize("killed", [False, True])
def test_the_allowlist_is_read_again_and_nothing_is_forgotten(
    killed: bool, tmp_path: Path, expected: Records
) -> None:
    """Nor is it after a crash: what the journal holds is replayed under the allowlist of its time."""
    config = tmp_path / "watch.yaml"
    config.write_text(f"alerts: {{allowlist: [{EVERYTHING}]}}")
    frames = {"a/conn.log": FRAMES["a/conn.log"]}
    noted = Noted()

    def at_poll(poll: int) -> None:
        if poll == 2:
            os.kill(os.getpid(), signal.SIGHUP)
        if poll == 6 and killed:
            raise Killed

    watch = partial(watch_once, frames, itertools.repeat(20), tmp_path, SETTINGS, noted, config=config)
    if killed:
        with pytest.raises(Killed):
            watch(at_poll=at_poll)
    else:
        watch(at_poll=at_poll)
    notices = records(tmp_path / "out", "notice.log")
    assert 0 < len(notices) < len(expected["notice.log"])
    assert "reloaded None" in noted.heard
    reloaded = parse_settings(
        f"score: {{log_threshold: 0.3}}\nalerts: {{suppress_for: 60, allowlist: [{EVERYTHING}]}}", "test"
    )
    watch_once(frames, itertools.repeat(20), tmp_path, reloaded)
    assert records(tmp_path / "out", "notice.log") == notices
    assert sorted(records(tmp_path / "out", "zeekml.log"))


def test_a_bad_allowlist_keeps_the_old_one_and_says_so(
    tmp_path: Path, expected: Records, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "watch.yaml"
    config.write_text("alerts: {allowlist: [{reason: a typo, network: [0.0.0.0/0]}]}")
    noted = Noted()
    watch_once(
        FRAMES, of_size(1), tmp_path, SETTINGS, noted, config=config, at_poll=signalled(signal.SIGHUP, 1)
    )
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)
    (told,) = [record for record in caplog.records if "did you mean 'networks'" in record.getMessage()]
    assert told.levelname == "ERROR"
    assert any(heard.startswith("reloaded") and "line 1" in heard for heard in noted.heard)


@pytest.mark.parametrize("reread", [True, False])
def test_a_reload_that_succeeds_is_said_once(
    reread: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "zeekml")
    config = tmp_path / "watch.yaml"
    config.write_text(f"alerts: {{allowlist: [{EVERYTHING}]}}")
    with watching(parse_settings("metrics: {listen: ''}", "test")) as operations:
        watch_once(
            FRAMES,
            of_size(1),
            tmp_path,
            SETTINGS,
            operations,
            config=config if reread else None,
            at_poll=signalled(signal.SIGHUP, 1),
        )
    told = [record.getMessage() for record in caplog.records if "allowlist" in record.getMessage()]
    assert told == [
        "the allowlist is read again: 1 entries"
        if reread
        else "the outputs are opened anew; there is no --config to read the allowlist from"
    ]


def test_an_entry_for_one_sensor_silences_it_alone(tmp_path: Path, expected: Records) -> None:
    """Two sensors in folders of their own, one of them allowed by a SIGHUP before the first connection."""
    config = tmp_path / "watch.yaml"
    config.write_text("alerts: {allowlist: [{reason: being set up, sensors: [A], networks: [0.0.0.0/0]}]}")
    sizes = itertools.chain([0, 0], itertools.repeat(1000))
    watch_once(FRAMES, sizes, tmp_path, SETTINGS, config=config, at_poll=signalled(signal.SIGHUP, 0))
    watch_once({"b/conn.log": FRAMES["b/conn.log"]}, itertools.repeat(1000), tmp_path / "b", SETTINGS)
    notices = records(tmp_path / "out", "notice.log")
    assert notices == records(tmp_path / "b" / "out", "notice.log")
    assert 0 < len(notices) < len(expected["notice.log"])
    # All are scored; only what carries the evidence, before the last column, is told with a notice alone.
    scored = [[line.rsplit("\t", 3)[0] for line in lines]
              for lines in (records(tmp_path / "out", "zeekml.log"), expected["zeekml.log"])]  # fmt: skip
    assert scored[0] == scored[1]


def test_told_to_stop_it_drains_and_saves(
    tmp_path: Path, expected: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "DRAIN", 60.0)  # a busy machine may need more than the second that it has
    monkeypatch.setattr(live, "SAVE", 120.0)
    summary = watch_once(
        FRAMES, itertools.repeat(30), tmp_path, SETTINGS, once=False, at_poll=signalled(signal.SIGTERM, 1)
    )
    assert summary.connections == 250
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)
    assert [path.name[:9] for path in (tmp_path / "state").glob("snap*")] == ["snapshot."]


def slow_disk(seconds: float) -> type[FileIO]:
    """A file each write to which takes so long."""

    class Slow(FileIO):
        def write(self, data: Any, /) -> int:
            time.sleep(seconds)
            written: int = super().write(data)
            return written

    return Slow


@pytest.mark.parametrize("stop_at", [1, 6], ids=["before any checkpoint", "while one is written"])
def test_a_state_that_takes_too_long_to_save_is_left_to_the_journal(
    stop_at: int,
    tmp_path: Path,
    expected: Records,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def at_poll(poll: int) -> None:
        if poll == 0:
            monkeypatch.setattr("zeekml.journal.snapshot.FileIO", slow_disk(0.4))
        signalled(signal.SIGTERM, stop_at)(poll)

    monkeypatch.setattr(live, "DRAIN", 60.0)
    monkeypatch.setattr(live, "SAVE", 0.3)
    summary = watch_once(FRAMES, itertools.repeat(15), tmp_path, SETTINGS, once=False, at_poll=at_poll)
    assert summary.connections == 250
    assert "stopped without a last checkpoint" in caplog.text
    state = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert [name for name in state if name.startswith("snapshot")] == ["snapshot.00000001"]
    assert "journal.00000001" in state
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)

    monkeypatch.undo()
    again = watch_once(FRAMES, itertools.repeat(15), tmp_path, SETTINGS)
    assert again.connections == 0
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)
    assert not list((tmp_path / "state").glob(".*"))


def test_a_checkpoint_is_not_begun_that_would_take_too_long(
    tmp_path: Path, expected: Records, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The one before tells how long it takes."""
    hooks = Noted()

    def at_poll(poll: int) -> None:
        if poll == 0:
            monkeypatch.setattr("zeekml.journal.snapshot.FileIO", slow_disk(0.05))
        if (tmp_path / "state" / "journal.00000002").exists():
            monkeypatch.setattr("zeekml.pipeline.checkpoints.LARGEST_JOURNAL", 1 << 30)
        if "checkpointed" in hooks.heard:
            monkeypatch.setattr(live, "SAVE", 0.01)
            os.kill(os.getpid(), signal.SIGTERM)

    frames = {"a/conn.log": FRAMES["a/conn.log"]}
    sizes = itertools.chain(itertools.repeat(50, 4), itertools.repeat(0))
    watch_once(frames, sizes, tmp_path, SETTINGS, hooks, once=False, at_poll=at_poll)
    assert hooks.heard.count("checkpointed") == 1
    assert "stopped without a last checkpoint" in caplog.text
    assert len(list((tmp_path / "state").glob("journal.*"))) == 1
    assert watch_once(FRAMES, of_size(1), tmp_path, SETTINGS).connections == 90
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)


def test_draining_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "DRAIN", 0.0)
    summary = watch_once(
        FRAMES, itertools.repeat(10), tmp_path, SETTINGS, once=False, at_poll=signalled(signal.SIGINT, 1)
    )
    assert 20 <= summary.connections < 250
