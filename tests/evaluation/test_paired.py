"""Two bundles on the same connections: the test, the weighted figures and the intervals."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.evaluation.paired import Ranked, compared, mcnemar
from zeekml.training.measure import average_precision, threshold_for

SCORED = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1) | st.sampled_from((0.25, 0.5)), st.integers(1, 3)),
    min_size=2,
    max_size=40,
).filter(lambda pairs: len({pair[0] for pair in pairs}) == 2)


@settings(deadline=None, max_examples=200)
@given(SCORED, st.sampled_from((0.0, 0.01, 0.1, 0.34, 1.0)))
def test_a_connection_that_counts_twice_is_two(pairs: list[tuple[bool, float, int]], fpr: float) -> None:
    bad, score, times = (np.array([pair[at] for pair in pairs]) for at in range(3))
    found = Ranked(bad, score).figures(times.astype(np.float64), [fpr])
    every_bad, every = np.repeat(bad, times), np.repeat(score, times)
    assert found[0] == pytest.approx(average_precision(every_bad, every))
    cut = threshold_for(every[~every_bad], fpr)
    assert found[1] == pytest.approx((every[every_bad] >= cut).mean())


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_mcnemar_is_a_fair_coin_among_those_that_differ(pairs: list[tuple[bool, bool]]) -> None:
    found = mcnemar([a for a, _ in pairs], [b for _, b in pairs])
    only_a, only_b = pairs.count((True, False)), pairs.count((False, True))
    assert (found["only_a_right"], found["only_b_right"]) == (only_a, only_b)
    assert (found["both_right"], found["both_wrong"]) == (
        pairs.count((True, True)),
        pairs.count((False, False)),
    )
    n = only_a + only_b
    tail = sum(comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    assert found["p_value"] == pytest.approx(min(1.0, 2 * tail))


def rows_of(captures: int, each: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Captures of one host, every other one clean, and scores that tell malicious ones apart, more or less."""
    rng = np.random.default_rng(seed)
    capture = np.repeat([f"c{at}" for at in range(captures)], each)
    infected = np.repeat(np.arange(captures) % 2 == 1, each)
    bad = infected & (rng.random(len(capture)) < 0.7)
    score = np.clip(rng.normal(np.where(bad, 0.6, 0.4), 0.2), 0, 1)
    return pd.DataFrame({"capture": capture, "host": capture, "label": bad.astype(np.int64)}), score


def comparison(rows: pd.DataFrame, a: np.ndarray, b: np.ndarray, **changed: object) -> dict:  # type: ignore[type-arg]
    options = {"fprs": (0.1,), "resample": None, "draws": 200, "seed": 1} | changed
    return compared(rows, [a, b], [0.5, 0.5], [[], []], **options)  # type: ignore[arg-type]


def test_a_better_model_is_found_better() -> None:
    rows, score = rows_of(20, 50)
    better = np.where(rows["label"] > 0, np.minimum(score + 0.3, 1), score)
    found = comparison(rows, score, better)
    boot = found["bootstrap"]
    assert (boot["resampled"], boot["units"], boot["infected_units"]) == ("captures", 20, 10)
    for name in ("average_precision", "recall_at_fpr_0.1"):
        difference = boot["figures"][name]["difference"]
        assert 0 < difference["low"] <= difference["value"] <= difference["high"]
        assert boot["figures"][name]["b_better"] == 1
        worse = comparison(rows, better, score)["bootstrap"]["figures"][name]["difference"]
        assert worse["value"] == pytest.approx(-difference["value"])
    assert found["connections"]["p_value"] < 1e-6


def test_a_model_is_not_better_than_itself() -> None:
    rows, score = rows_of(12, 20)
    found = comparison(rows, score, score)
    assert found["connections"]["p_value"] == 1
    for figure in found["bootstrap"]["figures"].values():
        assert figure["difference"] == {"value": 0, "low": 0, "high": 0}


def test_captures_are_drawn_and_not_connections() -> None:
    """One capture decides everything, so that intervals are as wide as drawing captures makes them."""
    rows, score = rows_of(12, 200)
    deciding = (rows["capture"] == "c1").to_numpy() & (rows["label"] > 0).to_numpy()
    lost = np.where(deciding, 0.0, score)
    by_capture = comparison(rows, score, lost)["bootstrap"]["figures"]["average_precision"]["difference"]
    assert by_capture["high"] == pytest.approx(0)  # some draws lack the capture
    assert by_capture["low"] < by_capture["value"] < 0


def test_the_seed_decides_the_draws() -> None:
    rows, score = rows_of(12, 20)
    other = np.random.default_rng(5).permutation(score)
    assert comparison(rows, score, other) == comparison(rows, score, other)
    assert comparison(rows, score, other) != comparison(rows, score, other, seed=2)


def test_few_captures_let_hosts_be_drawn() -> None:
    rows, score = rows_of(8, 20)
    assert comparison(rows, score, score)["bootstrap"]["resampled"] == "hosts"
    assert comparison(rows, score, score, resample="captures")["bootstrap"]["resampled"] == "captures"


def test_without_one_kind_there_is_no_interval() -> None:
    rows, score = rows_of(8, 20)
    assert comparison(rows.assign(label=0), score, score)["bootstrap"] is None
    assert comparison(rows.assign(label=1), score, score)["bootstrap"] is None
