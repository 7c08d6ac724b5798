"""Drift of streams: whatever the cuts and restarts, in memory of a fixed size, against what training looked like."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import matrix_of, random_log, small_encoding
from zeekml.drift import monitor
from zeekml.drift.bins import Bins
from zeekml.drift.monitor import Drift
from zeekml.drift.reference import Reference
from zeekml.errors import StateError
from zeekml.features import LAYOUT
from zeekml.scoring.scores import Scores

MATRIX = matrix_of(random_log(0, 400))
BINS = Bins.of(small_encoding())


EVERY, FEWEST = 8, 500
"""A closer look than in use, so that few connections suffice."""


@pytest.fixture(autouse=True, scope="module")
def close_look() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor, "EVERY", EVERY)
        patch.setattr(monitor, "FEWEST", FEWEST)
        yield


def reference() -> Reference:
    """Benign connections are the first half of the log, malicious ones the second."""
    counts = [BINS.count(part) for part in (MATRIX[:200], MATRIX[200:])]
    shares = np.array([each / each.sum(axis=1, keepdims=True) for each in counts], dtype=np.float32)
    return Reference(BINS, shares, np.array([0.0, 0.5], dtype=np.float32))


def scored(rows: np.ndarray, score: float = 0.0, *, features: bool = True) -> Scores:
    value = np.full(len(rows), score, dtype=np.float32)
    return Scores(value, np.ones(len(rows), dtype=np.int64), value, MATRIX[rows] if features else None)


def some(count: int, *, first: int = 0, last: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(first, last, count)


def drift(*, fades: bool = True, threshold: float = 0.5, known: bool = True) -> Drift:
    return Drift(reference() if known else None, None, threshold, fades=fades)


def test_connections_as_in_training_have_not_moved() -> None:
    held = drift()
    held.process(scored(some(16_000, last=200)), "a")
    report = held.standing("a")
    assert report is not None
    assert set(report.index) == set(LAYOUT.names)
    assert max(report.index.values()) < 0.1
    assert report.moved_much == []
    assert report.looked_at == pytest.approx(16_000 / EVERY, rel=0.01)


def test_a_mixture_is_compared_with_the_same_mixture() -> None:
    """Half of the connections malicious, and the scores say so."""
    held = drift()
    held.process(scored(some(20_000), 0.5), "a")
    report = held.standing("a")
    assert report is not None
    assert max(report.index.values()) < 0.1
    assert report.near_expected == pytest.approx(0.25)
    assert report.near == 1.0


def test_a_feature_that_moves_is_named_first() -> None:
    held = drift()
    rows = scored(some(20_000, last=200))
    assert rows.features is not None
    name = "duration"
    rows.features[:, LAYOUT.names.index(name)] = 1e6
    held.process(rows, "a")
    report = held.standing("a")
    assert report is not None
    assert next(iter(report.index)) == name
    assert report.moved_much[0] == name
    assert f"1 of {len(LAYOUT.names)} features moved much since training; most: duration " in report.words()


def test_only_features_that_the_model_sees_are_told() -> None:
    used = np.array([name.startswith("pair_") for name in LAYOUT.names])
    held = Drift(reference(), used, 0.5)
    held.process(scored(some(8000)), "a")
    report = held.standing("a")
    assert report is not None
    assert {name.partition("_")[0] for name in report.index} == {"pair"}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9000), max_size=6), st.booleans())
def test_any_cut_and_restart_gives_the_same(cuts: list[int], restarts: bool) -> None:
    rows = some(9000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor, "BLOCK", 1024)
        whole, going = drift(), drift()
        whole.process(scored(rows, 0.25), "a")
        for begin, end in pairwise(sorted({0, *cuts, 9000})):
            going.process(scored(rows[begin:end], 0.25), "a")
            if restarts:
                arrays = going.export()
                going = drift()
                going.restore(arrays)
        assert going.standing("a") == whole.standing("a")


def test_streams_are_apart_and_taken_together_at_the_end() -> None:
    held = drift(fades=False)
    held.process(scored(some(6000, last=200)), "a")
    held.process(scored(some(6000, first=200)), "b")
    a, b = held.standing("a"), held.standing("b")
    assert a is not None
    assert b is not None
    assert max(a.index.values()) < 0.1 < max(b.index.values())
    assert held.overall() is None
    for stream in ("a", "b", "never seen"):
        held.end_stream(stream)
    report = held.overall()
    assert report is not None
    assert report.looked_at == a.looked_at + b.looked_at
    assert held.streams == ()


def test_what_came_earlier_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "BLOCK", 1024)
    live, batch = drift(), drift(fades=False)
    for held in (live, batch):
        held.process(scored(some(20_480, first=200)), "a")
        for seed in range(10):
            held.process(scored(some(20_480, last=200, seed=seed)), "a")
    now, whole = live.standing("a"), batch.standing("a")
    assert now is not None
    assert whole is not None
    assert max(now.index.values()) < max(whole.index.values())
    assert now.looked_at < whole.looked_at


def test_memory_has_a_fixed_size() -> None:
    held = drift()
    sizes = []
    for _ in range(3):
        held.process(scored(some(40_000)), "a")
        sizes.append(sum(array.nbytes for array in held.export().values()))
    assert len(set(sizes)) == 1


def test_nothing_is_said_of_few_connections() -> None:
    held = drift()
    held.process(scored(some((FEWEST - 10) * EVERY)), "a")
    assert held.standing("a") is None
    assert held.standing("b") is None


@pytest.mark.parametrize("features", [True, False])
def test_without_a_reference_only_scores_are_told(features: bool) -> None:
    held = drift(known=False, threshold=0.9)
    held.process(scored(some(8000), 0.93, features=features), "a")
    report = held.standing("a")
    assert report is not None
    assert (report.near, report.near_expected, report.index) == (1.0, None, {})
    assert report.words() == (
        "features: not available, the model does not say what it was trained on; scores near the threshold: 100.00%"
    )


def test_another_threshold_than_the_models_has_no_expected_share() -> None:
    held = Drift(reference(), None, 0.5, own_threshold=False)
    held.process(scored(some(8000)), "a")
    report = held.standing("a")
    assert report is not None
    assert report.near_expected is None


@given(st.integers(1, 64), st.integers(0, 10**9))
@settings(max_examples=30, deadline=None)
def test_the_sample_falls_into_step_with_no_beat(beat: int, start: int) -> None:
    """Of connections that come every so many, as large a share is looked at as of all."""
    numbers = np.uint64(start) + np.arange(0, beat * 4096, beat, dtype=np.uint64)
    looked_at = (numbers * monitor._TURN < np.uint64(2**64 // EVERY)).mean()
    assert looked_at == pytest.approx(1 / EVERY, rel=0.25)


def test_state_of_before_drift_was_told_begins_anew() -> None:
    held = drift()
    held.process(scored(some(8000)), "a")
    held.restore({})
    assert held.streams == ()


def test_state_of_other_bins_is_refused_and_changes_nothing() -> None:
    held, other = drift(), drift(known=False)
    for each in (held, other):
        each.process(scored(some(8000)), "a")
    with pytest.raises(StateError, match="counts: found float64 of shape"):
        held.restore(other.export())
    assert held.standing("a") is not None
