"""Calibration of a changed model, and by verdicts: which way scores move, how far, and that they go on rising."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.scoring.calibration import Calibration
from zeekml.tuning.calibrate import aligned, by_verdicts, odds_of

RNG = np.random.default_rng(0)
CALIBRATION = Calibration((-6.0, -3.0, -1.0, 0.5, 2.0, 5.0), (-7.0, -4.0, -3.999, 0.0, 4.0, 9.0))
BEFORE = np.r_[RNG.normal(-4, 1.5, 4000), RNG.normal(2, 2, 500)]
BAD = np.arange(4500) >= 4000

verdicts = st.lists(st.tuples(st.floats(-12, 12), st.booleans()), max_size=30)
priors = st.floats(0.5, 100)


def judged(said: list[tuple[float, bool]], prior: float) -> Calibration:
    odds, bad = np.array([odd for odd, _ in said]), np.array([is_bad for _, is_bad in said], dtype=bool)
    return by_verdicts(CALIBRATION, odds, bad, prior)


def test_without_verdicts_nothing_moves() -> None:
    assert judged([], 10) == CALIBRATION


@given(verdicts, priors)
def test_a_calibration_by_verdicts_rises(said: list[tuple[float, bool]], prior: float) -> None:
    found = judged(said, prior)
    assert found.given == CALIBRATION.given
    assert all(before < after for before, after in pairwise(found.meant))


@given(verdicts, st.floats(-12, 12), st.booleans(), priors)
def test_one_more_verdict_moves_every_score_its_way_or_not_at_all(
    said: list[tuple[float, bool]], odds: float, bad: bool, prior: float
) -> None:
    before, after = (np.array(judged(some, prior).meant) for some in (said, [*said, (odds, bad)]))
    moved = after - before if bad else before - after
    assert moved.min() > -1e-9


@given(verdicts, priors)
def test_verdicts_move_it_no_further_than_they_allow(said: list[tuple[float, bool]], prior: float) -> None:
    moved = np.abs(np.array(judged(said, prior).meant) - np.array(CALIBRATION.meant))
    assert moved.max() <= len(said) / prior + 1e-9


def test_a_verdict_moves_the_scores_around_it() -> None:
    found = judged([(1.9, False)] * 5, 10)
    moved = np.array(found.meant) - np.array(CALIBRATION.meant)
    assert moved[4] < -0.2
    assert moved[3] < 0
    assert (moved[[0, 1, 2, 5]] == 0).all()


def test_verdicts_that_agree_with_the_scores_hardly_move_them() -> None:
    agreeing = by_verdicts(CALIBRATION, np.full(50, 5.0), np.ones(50, dtype=bool), 10)
    assert np.abs(np.array(agreeing.meant) - np.array(CALIBRATION.meant)).max() < 0.01


def test_many_verdicts_prevail() -> None:
    bad = np.arange(10_000) % 4 == 0
    found = by_verdicts(CALIBRATION, np.full(10_000, 2.0), bad, 10)
    assert found.score(np.array([2.0]))[0] == pytest.approx(0.25, abs=0.01)


def test_one_malicious_verdict_on_what_scores_low_raises_it_a_little() -> None:
    found = judged([(-6.0, True)], 10)
    assert found.meant[0] == pytest.approx(-7 + 0.1, abs=1e-3)


def test_nothing_moves_when_the_model_is_the_same() -> None:
    found = aligned(CALIBRATION, BEFORE, BEFORE, BAD)
    assert np.array(found.given) == pytest.approx(np.array(CALIBRATION.given), abs=1e-5)
    assert found.meant == CALIBRATION.meant


@given(st.floats(0.2, 5), st.floats(-4, 4))
def test_another_scale_and_offset_of_the_log_odds_change_no_score(scale: float, offset: float) -> None:
    after = BEFORE * scale + offset
    found = aligned(CALIBRATION, BEFORE, after, BAD)
    inside = (CALIBRATION.given[0] < BEFORE) & (CALIBRATION.given[-1] > BEFORE)
    gap = np.abs(found.score(after) - CALIBRATION.score(BEFORE))[inside]
    assert gap.max() < 0.01


def test_scores_of_one_kind_align_too() -> None:
    benign = BEFORE[~BAD]
    found = aligned(CALIBRATION, benign, benign + 1, np.zeros(len(benign), dtype=bool))
    assert np.array(found.given) == pytest.approx(np.array(CALIBRATION.given) + 1, abs=0.01)


def test_all_rows_alike_still_give_a_line_that_rises() -> None:
    found = aligned(CALIBRATION, BEFORE, np.zeros(len(BEFORE)), BAD)
    assert all(before < after for before, after in pairwise(found.given))


def test_the_log_odds_of_a_score_are_those_it_came_of() -> None:
    odds = np.linspace(-7, 5, 50)
    assert odds_of(CALIBRATION, list(CALIBRATION.score(odds))) == pytest.approx(odds, abs=1e-6)
    assert np.isfinite(odds_of(CALIBRATION, [0.0, 1.0])).all()
