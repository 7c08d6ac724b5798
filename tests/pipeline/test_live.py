"""A watch: killed anywhere, every connection is written once; and it does what it is told."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import random_log
from tests.journal.crash import Crash, Killed, crashing
from tests.pipeline.live_parts import MAKER, records, watch_once
from zeekml.config import parse_settings
from zeekml.errors import OutputError, StateError
from zeekml.journal.outputs import COLUMNS
from zeekml.journal.snapshot import Maker
from zeekml.operations import watching
from zeekml.pipeline import live
from zeekml.pipeline.watching import NoHooks, StepFacts

OUTPUTS = ("notice.log", "zeekml.log", "rejects.log")
SETTINGS = parse_settings(
    "score: {log_threshold: 0.3}\nalerts: {suppress_for: 60}\nwatch: {rotate_size: 6000}", "test"
)
FRAMES = {"a/conn.log": random_log(1, 160), "b/conn.log": random_log(2, 90)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps follow each other at once, and every third turn or so is a checkpoint."""
    monkeypatch.setattr(live, "PACE", 0.0)
    monkeypatch.setattr("zeekml.pipeline.checkpoints.LARGEST_JOURNAL", 12_000)


def of_size(seed: int) -> Iterator[int]:
    draw = np.random.default_rng(abs(seed))
    return (int(draw.choice((0, 1, 7, 40))) for _ in itertools.count())


def outputs_of(folder: Path) -> dict[str, list[str]]:
    return {name: records(folder / "out", name) for name in OUTPUTS}


class Records(dict[str, list[str]]):
    """Records by output; failing examples do not print them all."""

    def __repr__(self) -> str:
        return f"<{ {name: len(lines) for name, lines in self.items()} }>"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What one run writes that nothing disturbs, in one step."""
    folder = tmp_path_factory.mktemp("undisturbed")
    watch_once(FRAMES, itertools.repeat(1000), folder, SETTINGS)
    found = Records(outputs_of(folder))
    assert all(found.values())
    return found


def by_stream(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Records without their order among streams, which is that of reading."""
    return {name: sorted(lines) for name, lines in found.items()}


def test_cuts_change_nothing(expected: Records, tmp_path: Path) -> None:
    for seed in range(3):
        watch_once(FRAMES, of_size(seed), tmp_path / str(seed), SETTINGS)
        assert by_stream(outputs_of(tmp_path / str(seed))) == by_stream(expected)


def test_one_stream_keeps_its_order(tmp_path: Path) -> None:
    frames = {"conn.log": FRAMES["a/conn.log"]}
    watch_once(frames, itertools.repeat(1000), tmp_path / "whole", SETTINGS)
    watch_once(frames, of_size(5), tmp_path / "cut", SETTINGS)
    assert outputs_of(tmp_path / "whole") == outputs_of(tmp_path / "cut")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kills=st.lists(st.tuples(st.integers(1, 120), st.sampled_from([0.0, 0.3, 1.0])), min_size=1, max_size=6),
    seed=st.integers(0, 10**6),
)
def test_killed_anywhere_every_record_is_there_once(
    kills: list[tuple[int, float]],
    seed: int,
    expected: Records,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    for turn, (at, share) in enumerate(kills):
        with crashing(Crash(at, share)):
            try:
                watch_once(FRAMES, of_size(seed + turn), folder, SETTINGS)
            except Killed:
                continue
    watch_once(FRAMES, of_size(seed - 1), folder, SETTINGS)
    assert by_stream(outputs_of(folder)) == by_stream(expected)
    assert len(list((folder / "state").glob("snapshot.*"))) == 1


def test_killed_at_each_system_call_of_a_run(tmp_path: Path) -> None:
    """Also at every call of a first start, of a rotation and of a checkpoint."""
    frames = {"conn.log": FRAMES["a/conn.log"].iloc[:40]}
    often = parse_settings("score: {log_threshold: 0.3}\nwatch: {rotate_size: 2000}", "test")
    watch_once(frames, itertools.repeat(15), tmp_path / "whole", often)
    assert len(list((tmp_path / "whole" / "out").iterdir())) > 3
    hit = set()
    for at in itertools.count(1):
        folder = tmp_path / str(at)
        with crashing(Crash(at, (at % 3) / 2)) as crash, suppress(Killed):
            watch_once(frames, itertools.repeat(15), folder, often)
        hit.add(crash.name)
        watch_once(frames, itertools.repeat(40), folder, often)
        assert outputs_of(folder) == outputs_of(tmp_path / "whole"), (at, crash.name)
        if not crash.name:
            break
    assert hit >= {"write", "FileIO.write", "fsync", "fdatasync", "rename", "unlink", "open", "mkdir", ""}


def test_a_run_goes_on_where_the_last_one_stopped(expected: Records, tmp_path: Path) -> None:
    first = {name: frame.iloc[:60] for name, frame in FRAMES.items()}
    watch_once(first, of_size(1), tmp_path, SETTINGS)
    summary = watch_once(FRAMES, of_size(2), tmp_path, SETTINGS)
    assert summary.connections == 250 - 120
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)
    again = watch_once(FRAMES, of_size(2), tmp_path, SETTINGS)
    assert (again.connections, again.steps) == (0, 0)


class Noted(NoHooks):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[StepFacts] = []
        self.heard: list[str] = []

    def stepped(self, step: StepFacts) -> None:
        self.steps.append(step)

    def ready(self) -> None:
        self.heard.append("ready")

    def reloaded(self, problem: str | None) -> None:
        self.heard.append(f"reloaded {problem}")

    def output(self, problem: str | None) -> None:
        self.heard.append(f"output {problem}")

    def checkpointed(self, seconds: float, size: int) -> None:
        assert size > 0
        self.heard.append("checkpointed")


def test_steps_and_checkpoints_are_told(tmp_path: Path, expected: Records) -> None:
    noted = Noted()
    summary = watch_once(FRAMES, of_size(1), tmp_path, SETTINGS, hooks=noted)
    assert noted.heard[0] == "ready"
    assert noted.heard.count("checkpointed") >= 2
    assert sum(sum(step.connections.values()) for step in noted.steps) == summary.connections == 250
    assert sum(step.logged for step in noted.steps) == summary.logged == len(expected["zeekml.log"])
    assert summary.notices.total() == len(expected["notice.log"])
    assert summary.rejects == len(expected["rejects.log"])
    assert noted.steps[-1].caught_up
    assert not any(noted.steps[-1].lag_bytes.values())
    alerting = sum(sum(step.by_class.values()) for step in noted.steps)
    told = sum(count for step in noted.steps for (note, _), count in step.notices.items() if "Conn" in note)
    assert sum(step.suppressed for step in noted.steps) == alerting - told
    frame = FRAMES["a/conn.log"]
    assert max(step.newest or 0 for step in noted.steps) >= float(np.max(frame["ts"]))


def test_a_dry_run_shows_and_keeps_nothing(tmp_path: Path, expected: Records) -> None:
    shown: list[str] = []
    watch_once(FRAMES, of_size(1), tmp_path, SETTINGS, dry_run=True, shown=shown)
    assert list(tmp_path.iterdir()) == []
    assert sorted(line.partition(": ")[2] for line in shown if line.startswith("notice.log: ")) == sorted(
        expected["notice.log"]
    )
    assert len(shown) == sum(len(lines) for lines in expected.values())


@pytest.mark.parametrize("fmt", ["tsv", "json"])
def test_a_dry_run_shows_a_record_as_one_line_whatever_it_holds(fmt: str, tmp_path: Path) -> None:
    """Unicode has line ends that are none in a log."""
    frame = FRAMES["a/conn.log"].iloc[:3].copy()
    frame["uid"] = ["a\u2028notice.log: b", "\x85\x0b\x0c\x1c\n", "\u2029"]
    every = parse_settings(f"score: {{log_threshold: 0, format: {fmt}}}", "test")
    shown: list[str] = []
    watch_once({"conn.log": frame}, itertools.repeat(9), tmp_path, every, dry_run=True, shown=shown)
    logged = [
        line for line in shown if line.startswith("zeekml.log: ") and not line.startswith("zeekml.log: #")
    ]
    assert len(logged) == 3
    assert all(line.startswith(("zeekml.log: ", "notice.log: ", "rejects.log: ")) for line in shown)


def test_a_dry_run_begins_at_the_checkpoint(tmp_path: Path) -> None:
    watch_once(FRAMES, of_size(1), tmp_path, SETTINGS)
    shown: list[str] = []
    assert watch_once(FRAMES, of_size(1), tmp_path, SETTINGS, dry_run=True, shown=shown).connections == 0
    assert shown == []


def test_the_state_of_another_model_is_refused(tmp_path: Path) -> None:
    watch_once(FRAMES, of_size(1), tmp_path, SETTINGS)
    other = Maker("other", "2", "1" * 64, "0" * 64, MAKER.classes)
    with pytest.raises(StateError, match=r"other 2"):
        watch_once(FRAMES, of_size(1), tmp_path, SETTINGS, maker=other)


def test_the_state_of_other_logs_is_refused(tmp_path: Path) -> None:
    watch_once(FRAMES, of_size(1), tmp_path, SETTINGS)
    with pytest.raises(StateError, match=r"belongs to other logs \(a/conn.log, b/conn.log\)"):
        watch_once({"c/conn.log": FRAMES["a/conn.log"]}, of_size(1), tmp_path, SETTINGS)


def test_a_further_log_may_come_and_go(tmp_path: Path, expected: Records) -> None:
    only_a = {"a/conn.log": FRAMES["a/conn.log"]}
    for frames in (only_a, FRAMES, only_a, FRAMES):
        watch_once(frames, of_size(1), tmp_path, SETTINGS)
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)


def test_another_format_rotates_first(tmp_path: Path) -> None:
    first = {"a/conn.log": FRAMES["a/conn.log"].iloc[:60]}
    plain = parse_settings("score: {log_threshold: 0.3}", "test")
    watch_once(first, of_size(1), tmp_path, plain)
    as_json = parse_settings("score: {log_threshold: 0.3, format: json}", "test")
    watch_once({"a/conn.log": FRAMES["a/conn.log"]}, of_size(1), tmp_path, as_json)
    text = (tmp_path / "out" / "zeekml.log").read_text()
    assert all(line.startswith("{") for line in text.splitlines())
    (rotated,) = (tmp_path / "out").glob("zeekml.*.log")
    assert rotated.read_text().startswith("#separator")


def test_outputs_with_other_columns_rotate_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a zeekml of before a column began is not gone on with under its header."""
    plain = parse_settings("score: {log_threshold: 0.3}", "test")
    fewer = {name: columns[:-1] for name, columns in COLUMNS.items()}
    with monkeypatch.context() as patched:
        patched.setattr("zeekml.pipeline.live.COLUMNS", fewer)
        watch_once({"a/conn.log": FRAMES["a/conn.log"].iloc[:60]}, of_size(1), tmp_path, plain)
    watch_once({"a/conn.log": FRAMES["a/conn.log"]}, of_size(1), tmp_path, plain)
    assert len(list((tmp_path / "out").glob("zeekml.*.log"))) == 1
    watch_once({"a/conn.log": FRAMES["a/conn.log"]}, of_size(1), tmp_path, plain)
    assert len(list((tmp_path / "out").glob("zeekml.*.log"))) == 1


def test_a_full_disk_ends_the_run_and_the_next_one_completes_it(
    tmp_path: Path, expected: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = Noted()
    real, left = os.write, [9_000]

    def full(descriptor: int, data: memoryview) -> int:
        if left[0] <= 0:
            raise OSError(28, "No space left on device")
        written = real(descriptor, data[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        with pytest.raises(OutputError, match="the disk is full; free some space"):
            watch_once(FRAMES, of_size(1), tmp_path, SETTINGS, hooks=noted)
    assert "the disk is full" in noted.heard[-1]
    watch_once(FRAMES, of_size(1), tmp_path, SETTINGS)
    assert by_stream(outputs_of(tmp_path)) == by_stream(expected)


def test_other_alert_settings_hold_after_the_journal(tmp_path: Path) -> None:
    """What a crash left in the journal is replayed as it was alerted on then."""
    with crashing(Crash(45)), pytest.raises(Killed):
        watch_once(FRAMES, itertools.repeat(30), tmp_path, SETTINGS)
    quiet = parse_settings("score: {log_threshold: 0.3}\nalerts: {local_nets: [203.0.113.0/24]}", "test")
    before = records(tmp_path / "out", "notice.log")
    watch_once(FRAMES, of_size(1), tmp_path, quiet)
    assert records(tmp_path / "out", "notice.log")[: len(before)] == before
    assert len(records(tmp_path / "out", "zeekml.log")) > 0


EVERYTHING = "{reason: all of it, networks: [0.0.0.0/0]}"


def signalled(number: int, at: int) -> Callable[[int], None]:
    """Sends this process a signal before one of the polls."""
    return lambda poll: os.kill(os.getpid(), number) if poll == at else None


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # killed as well
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=st.lists(st.integers(1, 120), min_size=1, max_size=4), seed=st.integers(0, 10**6))
def test_an_optional_sink_gets_every_notice_once(
    kills: list[int], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """At least once by contract; a file knows the ids that it has."""
    folder = tmp_path_factory.mktemp("sinks")
    with_sink = parse_settings(
        "score: {log_threshold: 0.3}\nalerts: {suppress_for: 60}\nsinks: {ecs: {path: ecs.ndjson}}", "test"
    )
    for turn, at in enumerate(kills):
        with crashing(Crash(at)), suppress(Killed):
            watch_once(FRAMES, of_size(seed + turn), folder, with_sink)
    for _ in range(2):  # what a sink was too slow for at the end waits for the next run
        watch_once(FRAMES, of_size(seed), folder, with_sink)
    notices = records(folder / "out", "notice.log")
    documents = [json.loads(line) for line in (folder / "out" / "ecs.ndjson").read_text().splitlines()]
    assert len(notices) > 0
    assert len(documents) == len(notices)
    assert sorted(document["event"]["id"] for document in documents) == sorted(
        {document["event"]["id"] for document in documents}
    )
