"""What is wrong with a log is told and marks its notices, by any driver, cut anywhere, killed anywhere."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.health.made import log_of, with_history
from tests.journal.crash import Crash, Killed, crashing
from tests.pipeline.live_parts import records, watch_once
from tests.pipeline.test_batch import BUNDLE, StandIn
from zeekml.config import parse_settings
from zeekml.health import Finding, SensorHealth
from zeekml.pipeline import live
from zeekml.pipeline.batch import score_with
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import Reading
from zeekml.pipeline.watching import NoHooks

SETTINGS = parse_settings("score: {log_threshold: 0.95}\nalerts: {suppress_for: 5}", "test")
FRAMES = {
    "a/conn.log": log_of(("healthy", 300), ("bad-checksums", 600), ("healthy", 1400)),
    "b/conn.log": log_of(
        ("healthy", 200), ("missed-bytes", 900), ("healthy", 1200), ("back", 9000), ("healthy", 900), seed=1
    ),
}
for _name, _frame in FRAMES.items():
    _frame["uid"] = [f"C{_name[0]}{number}" for number in range(len(_frame))]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps follow each other at once, and every second step or so is a checkpoint."""
    monkeypatch.setattr(live, "PACE", 0.0)
    monkeypatch.setattr("zeekml.pipeline.checkpoints.LARGEST_JOURNAL", 60_000)


def of_size(seed: int) -> Iterator[int]:
    draw = np.random.default_rng(abs(seed))
    return (int(draw.choice((0, 3, 100, 256, 700))) for _ in itertools.count())


def notices(folder: Path) -> list[str]:
    return sorted(records(folder / "out", "notice.log"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    watch_once(FRAMES, itertools.repeat(5000), folder, SETTINGS)
    return notices(folder)


def test_notices_bear_what_stood_when_their_connection_came(expected: Sequence[str]) -> None:
    marks: dict[str, tuple[str, ...]] = {}
    for name, frame in FRAMES.items():
        found = SensorHealth().process(frame, name)
        marks |= {uid: found.at(row) for row, uid in enumerate(frame["uid"])}
    seen = set()
    for line in expected:
        told = re.search(r" sensor=(\S+)", line)
        codes = tuple(told[1].split(",")) if told else ()
        assert codes == marks[line.split("\t")[1]]
        seen.add(codes)
    assert seen >= {(), ("bad-checksums",), ("missed-bytes",)}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kills=st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0.0, 0.3, 1.0])), max_size=4),
    seed=st.integers(0, 10**6),
)
def test_killed_anywhere_the_marks_are_the_same(
    kills: list[tuple[int, float]],
    seed: int,
    expected: list[str],
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
    assert notices(folder) == expected


class Told(NoHooks):
    """Keeps what is told of sensors, when it changes."""

    def __init__(self) -> None:
        self.codes: dict[str, list[tuple[str, ...]]] = {}

    def sensor(self, stream: str, findings: Sequence[Finding]) -> None:
        codes = tuple(finding.code for finding in findings)
        before = self.codes.setdefault(stream, [])
        if not before or before[-1] != codes:
            before.append(codes)


def test_a_watch_tells_what_stands_also_after_a_restart(tmp_path: Path) -> None:
    told = Told()
    first = {name: frame.iloc[:1000] for name, frame in FRAMES.items()}
    watch_once(first, itertools.repeat(128), tmp_path, SETTINGS, told)
    assert told.codes == {"a/conn.log": [(), ("bad-checksums",)], "b/conn.log": [(), ("missed-bytes",)]}
    again = Told()
    watch_once(FRAMES, itertools.repeat(128), tmp_path, SETTINGS, again)
    assert again.codes["a/conn.log"] == [("bad-checksums",), ()]
    assert again.codes["b/conn.log"][0] == ("missed-bytes",)
    assert again.codes["b/conn.log"][-1] == ("clock",)


def test_score_warns_counts_and_marks(made_log: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    text = made_log.read_text()
    (logs / "conn.log").write_text(with_history(text, "C", first=2000, last=6000))
    (logs / "conn_copy.log").write_text(text)
    said = io.StringIO()
    with Reading([str(logs)]) as reading:
        summary = score_with(StandIn(), BUNDLE, reading, tmp_path / "out", SETTINGS, Silent(said))
    [(stream, [finding])] = summary.sensor.items()
    assert stream.endswith("/conn.log")
    assert finding.code == "bad-checksums"
    assert said.getvalue() == f"zeekml: warning: {stream}: {finding}\n"
    lines = [line for line in (tmp_path / "out" / "notice.log").read_text().splitlines() if line[0] != "#"]
    marked = sum(" sensor=bad-checksums " in line for line in lines)
    assert 0 < marked < len(lines)
