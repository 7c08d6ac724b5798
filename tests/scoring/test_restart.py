"""A scorer that is saved anywhere and goes on as another one gives the same scores, bit by bit."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import cut, cuts, logs, random_log, tiny_bundle
from zeekml.arrays import Arrays
from zeekml.errors import StateError
from zeekml.features import state
from zeekml.journal.snapshot import Maker, load_snapshot, save_snapshot
from zeekml.scoring import Bundle, Scorer, Scores, StateLimits, load_bundle

SMALL = StateLimits(idle=100, max_pairs=9, max_hosts=2, max_contexts=6)


def expect_equal(found: Scores, expected: Scores) -> None:
    for name in ("score", "class_index", "class_score", "features"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def through_a_file(arrays: Arrays, bundle: Bundle, path: Path) -> Arrays:
    save_snapshot(path, arrays, {}, Maker.of(bundle))
    snapshot = load_snapshot(path, Maker.of(bundle))
    assert snapshot is not None
    return snapshot.arrays


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.tuples(logs(), logs(most=20)), places=cuts(), restarts=st.sets(st.integers(0, 12), max_size=4)
)
def test_restarts_change_nothing(
    bundle: Bundle,
    frames: tuple[pd.DataFrame, pd.DataFrame],
    places: list[int],
    restarts: set[int],
    tmp_path: Path,
) -> None:
    """Two streams take turns; the caps on the state are enforced every 16 connections."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "CAP_EVERY", 16)
        steady = Scorer(bundle, limits=SMALL)
        going = Scorer(bundle, limits=SMALL)
        parts = [
            (name, part) for name, frame in zip("ab", frames, strict=True) for part in cut(frame, places)
        ]
        for number, (name, part) in enumerate(parts[::2] + parts[1::2]):
            if number in restarts:
                arrays = through_a_file(going.export(), bundle, tmp_path / "snapshot")
                going = Scorer(bundle, limits=SMALL)
                going.restore(arrays)
            expect_equal(going.score(part, name), steady.score(part, name))
        assert going.caps_acted == steady.caps_acted
        assert (going.hosts_held, going.pairs_held) == (steady.hosts_held, steady.pairs_held)
        assert_equal_arrays(going.export(), steady.export())


def assert_equal_arrays(found: Arrays, expected: Arrays) -> None:
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)


def test_a_longer_log(bundle: Bundle) -> None:
    frame = random_log(2, 1500, hosts=30, peers=60)
    steady, going = Scorer(bundle), Scorer(bundle)
    for begin, end in pairwise([0, 100, 400, 800, 1500]):
        arrays = going.export()
        going = Scorer(bundle)
        going.restore(arrays)
        part = frame.iloc[begin:end]
        expect_equal(going.score(part, "a"), steady.score(part, "a"))


def test_an_export_stays_as_it_is_while_scoring_goes_on(bundle: Bundle) -> None:
    scorer = Scorer(bundle)
    scorer.score(random_log(0, 60), "a")
    arrays = scorer.export()
    before = {key: array.copy() for key, array in arrays.items()}
    scorer.score(random_log(1, 60), "a")
    assert_equal_arrays(arrays, before)


def test_an_export_has_the_size_of_what_is_held(bundle: Bundle) -> None:
    def size(hosts: int) -> float:
        scorer = Scorer(bundle)
        scorer.score(random_log(0, 40 * hosts, hosts=hosts), "a")
        held = scorer.export()
        assert len(held["0/state/hosts/keys"]) == len(held["0/runner/carried"]) == scorer.hosts_held
        assert len(held["0/state/pairs/keys"]) == scorer.pairs_held
        return sum(array.nbytes for array in held.values())

    assert size(30) / size(10) == pytest.approx(3, rel=0.1)
    scorer = Scorer(bundle)
    assert sum(array.nbytes for array in scorer.export().values()) < 100


def test_what_caps_have_put_out_of_ended_streams_is_carried_on(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "CAP_EVERY", 50)
    scorer = Scorer(bundle, limits=StateLimits(max_hosts=2))
    scorer.score(random_log(0, 100), "a")
    scorer.end_stream("a")
    again = Scorer(bundle)
    again.restore(scorer.export())
    assert again.caps_acted == scorer.caps_acted > 0
    assert again.hosts_held == 0


def test_flow_layout_carries_its_features(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny", layout="flow"))
    steady, going = Scorer(bundle), Scorer(bundle)
    first, second = cut(random_log(0, 60), [25])
    for scorer in (steady, going):
        scorer.score(first, "a")
    arrays = going.export()
    assert not any("runner" in key for key in arrays)
    going = Scorer(bundle)
    going.restore(arrays)
    expect_equal(going.score(second, "a"), steady.score(second, "a"))


def test_state_that_does_not_fit_changes_nothing(bundle: Bundle) -> None:
    scorer = Scorer(bundle)
    scorer.score(random_log(0, 60), "a")
    arrays = scorer.export()
    held = scorer.hosts_held
    for key in ("0/runner/carried", "0/state/hosts/times", "0/state/connections", "streams/ends"):
        with pytest.raises(StateError, match=f"{key.rpartition('/')[2]}: found nothing"):
            scorer.restore({name: array for name, array in arrays.items() if name != key})
    with pytest.raises(StateError, match="carried: found float32"):
        scorer.restore({**arrays, "0/runner/carried": arrays["0/runner/carried"][:, 1:]})
    assert scorer.hosts_held == held
