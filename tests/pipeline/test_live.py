"""A watch: killed anywhere, every connection is written once; and it does what it is told."""

from __future__ import annotations

import itertools
import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.crash import Crash, Killed, crashing
from tests.pipeline.live_parts import MAKER, records, watch_once
from tests.pipeline.undisturbed import (
    FRAMES,
    SETTINGS,
    Noted,
    Records,
    by_stream,
    of_size,
    outputs_of,
)
from zeekml.config import parse_settings
from zeekml.errors import OutputError, StateError
from zeekml.journal.outputs import COLUMNS
from zeekml.journal.snapshot import Maker

pytestmark = pytest.mark.usefixtures("quick")


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
