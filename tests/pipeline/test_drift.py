"""Drift is told by any driver: the same however a log was cut, and after stops and crashes."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import matrix_of, random_log, small_encoding
from tests.journal.crash import Crash, Killed, crashing
from tests.pipeline import live_parts
from tests.pipeline.live_parts import BUNDLE, watch_once
from zeekml.cli.score import _drift
from zeekml.config import parse_settings
from zeekml.drift import monitor
from zeekml.drift.bins import Bins
from zeekml.drift.file import ALL_LOGS, decode
from zeekml.drift.reference import Reference
from zeekml.drift.report import DriftReport
from zeekml.errors import OutputError
from zeekml.features import LAYOUT
from zeekml.pipeline import live
from zeekml.pipeline.batch import score_with
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import Reading
from zeekml.pipeline.summary import Summary
from zeekml.pipeline.watching import NoHooks
from zeekml.scoring import Scores
from zeekml.table import Frame

SETTINGS = parse_settings("score: {log_threshold: 0.95}", "test")
FRAMES = {name: random_log(seed, 700) for seed, name in enumerate(("a/conn.log", "b/conn.log"))}
MATRIX = matrix_of(random_log(5, 700))


class WithFeatures(live_parts.StandIn):
    """As the other, with features that go by how many connections the stream has had."""

    def score(self, frame: Frame, stream: str) -> Scores:
        begin = self.seen.get(stream, 0)
        scores = super().score(frame, stream)
        rows = np.arange(begin, begin + len(frame)) % len(MATRIX)
        return Scores(scores.score, scores.class_index, scores.class_score, MATRIX[rows])

    def end_stream(self, stream: str) -> None:
        """A log that is scored ends."""


class Told(NoHooks):
    """Keeps the latest that is told of each stream."""

    def __init__(self) -> None:
        self.reports: dict[str, DriftReport | None] = {}

    def drift(self, stream: str, report: DriftReport | None) -> None:
        self.reports[stream] = report


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps follow each other at once and all tell of drift; some are checkpoints; the bundle says what it knows."""
    bins = Bins.of(small_encoding())
    counts = bins.count(MATRIX[:300])
    shares = np.array([counts / counts.sum(axis=1, keepdims=True)] * 2, dtype=np.float32)
    monkeypatch.setattr(BUNDLE, "drift", Reference(bins, shares, np.array([0.1, 0.1], dtype=np.float32)))
    monkeypatch.setattr(BUNDLE, "features_used", np.ones(len(LAYOUT.names), dtype=bool), raising=False)
    monkeypatch.setattr(live_parts, "StandIn", WithFeatures)
    monkeypatch.setattr(monitor, "EVERY", 8)
    monkeypatch.setattr(monitor, "FEWEST", 20)
    monkeypatch.setattr(monitor, "BLOCK", 128)
    monkeypatch.setattr(live, "PACE", 0.0)
    monkeypatch.setattr(live, "DRIFT_EVERY", 0.0)
    monkeypatch.setattr("zeekml.pipeline.checkpoints.LARGEST_JOURNAL", 30_000)


def of_size(seed: int) -> Iterator[int]:
    draw = np.random.default_rng(seed)
    return (int(draw.choice((0, 3, 50, 128, 300))) for _ in itertools.count())


def told_by(folder: Path, sizes: Iterator[int], frames: Any = FRAMES) -> dict[str, DriftReport]:
    told = Told()
    watch_once(frames, sizes, folder, SETTINGS, told)
    assert set(told.reports) == set(FRAMES)
    return {stream: report for stream, report in told.reports.items() if report is not None}


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, DriftReport]:
    return told_by(tmp_path / "undisturbed", itertools.repeat(5000))


def test_what_is_told_is_of_every_stream(expected: dict[str, DriftReport]) -> None:
    assert set(expected) == set(FRAMES)
    for report in expected.values():
        assert set(report.index) == set(LAYOUT.names)
        assert 0 < report.near < 1
        assert report.near_expected == pytest.approx(0.1)


def test_cuts_and_stops_change_nothing(expected: dict[str, DriftReport], tmp_path: Path) -> None:
    first = {name: frame.iloc[:411] for name, frame in FRAMES.items()}
    folder = tmp_path / "stopped"
    before = told_by(folder, of_size(1), first)
    assert before != expected
    again = told_by(folder, itertools.repeat(0), first)
    assert {name: close(report) for name, report in again.items()} == {
        name: close(report) for name, report in before.items()
    }, "and it is told at the start"
    after = told_by(folder, of_size(2))
    assert {name: close(report) for name, report in after.items()} == {
        name: close(report) for name, report in expected.items()
    }


@pytest.mark.parametrize(("at", "share"), [(9, 0.0), (20, 0.3), (31, 1.0)])
def test_killed_anywhere_it_is_the_same(
    expected: dict[str, DriftReport], tmp_path: Path, at: int, share: float
) -> None:
    folder = tmp_path / "killed"
    with crashing(Crash(at, share)), pytest.raises(Killed):
        watch_once(FRAMES, of_size(3), folder, SETTINGS)
    after = told_by(folder, of_size(4))
    assert {name: close(report) for name, report in after.items()} == {
        name: close(report) for name, report in expected.items()
    }


def close(report: DriftReport) -> tuple[Any, ...]:
    """The figures without their last digits, in which the sum of the scores has its part."""
    index = sorted((name, round(value, 9)) for name, value in report.index.items())
    return round(report.looked_at, 9), round(report.near, 9), report.near_expected, index


def test_a_watch_writes_it_beside_its_logs(expected: dict[str, DriftReport], tmp_path: Path) -> None:
    path = tmp_path / "undisturbed" / "out" / "drift.json"
    file = decode(path.read_bytes(), "drift.json")
    assert file.model == BUNDLE.name
    assert set(file.logs) == set(expected)
    for stream, report in file.logs.items():
        assert report.index == {name: round(value, 6) for name, value in expected[stream].index.items()}
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_others_wrote_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "drift.json").write_text('{"mine": 1}')
    watch_once(FRAMES, of_size(1), tmp_path, SETTINGS)
    assert (tmp_path / "out" / "drift.json").read_text() == '{"mine": 1}'
    assert "is not a file that zeekml wrote" in caplog.text


def scored(log: Path, out: Path) -> Summary:
    with Reading([str(log)]) as reading:
        return score_with(WithFeatures(), BUNDLE, reading, out, SETTINGS, Silent(io.StringIO()))


def test_score_writes_it_beside_its_logs_and_takes_it_away_again(
    made_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fewest, there in ((20, True), (20, True), (10**9, False)):
        monkeypatch.setattr(monitor, "FEWEST", fewest)
        summary = scored(made_log, tmp_path)
        assert (tmp_path / "drift.json").exists() is there is (summary.drift is not None)
        if summary.drift is not None:
            [(name, report)] = decode((tmp_path / "drift.json").read_bytes(), "drift.json").logs.items()
            assert name == ALL_LOGS
            assert (report.near, len(report.index)) == (summary.drift.near, len(LAYOUT.names))


def test_score_replaces_nothing_that_others_wrote(made_log: Path, tmp_path: Path) -> None:
    (tmp_path / "drift.json").write_text('{"mine": 1}')
    with pytest.raises(OutputError, match=r"drift\.json: is not a log that zeekml wrote"):
        scored(made_log, tmp_path)
    assert (tmp_path / "drift.json").read_text() == '{"mine": 1}'


def test_score_tells_it_in_its_closing_table() -> None:
    assert _drift(Summary()) == []
    unknown = DriftReport(1000, 0.0123, None, {})
    assert _drift(Summary(drift=unknown)) == [
        ("scores near the threshold", "1.23%"),
        ("drift of the features", "not available"),
    ]
    known = DriftReport(1000, 0.0123, 0.01, {"duration": 0.5, "orig_bytes": 0.2})
    assert _drift(Summary(drift=known)) == [
        ("scores near the threshold", "1.23% (1.00% in training)"),
        ("features that moved much since training", "1 of 2"),
        ("  duration", "0.50"),
    ]
