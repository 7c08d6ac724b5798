"""Start times lie inside their span, and do not depend on how time was cut into spans."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zeekml.simulate.arrivals import Span, at_random, group_sums, in_bursts, ticking
from zeekml.simulate.table import MICROSECONDS

ORIGIN = 1_700_000_000 * MICROSECONDS
offsets = st.integers(0, 10_000 * MICROSECONDS)


@given(first=offsets, second=offsets, third=offsets, every=st.floats(5.0, 4000.0), hosts=st.integers(1, 20))
def test_a_clock_ticks_the_same_however_time_is_cut(
    first: int, second: int, third: int, every: float, hosts: int
) -> None:
    start, middle, end = (ORIGIN + offset for offset in sorted((first, second, third)))
    whole = set(zip(*(part.tolist() for part in ticking(hosts, Span(start, end), every)), strict=True))
    cut = [
        pair
        for span in (Span(start, middle), Span(middle, end))
        for pair in zip(*(part.tolist() for part in ticking(hosts, span, every)), strict=True)
    ]
    assert len(cut) == len(set(cut))
    assert set(cut) == whole
    assert all(start <= moment < end for _, moment in whole)


@given(offset=offsets, length=st.integers(1, 4000 * MICROSECONDS), seed=st.integers(0, 1000))
def test_arrivals_lie_inside_the_span(offset: int, length: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    span = Span(ORIGIN + offset, ORIGIN + offset + length)
    for who, ts in (
        at_random(rng, 5, span, 60.0),
        in_bursts(rng, 5, span, ORIGIN, every=3600, after=30, lasting=300, per_second=1.0),
    ):
        assert len(who) == len(ts)
        assert ((ts >= span.start) & (ts < span.end)).all()


def test_bursts_come_back_and_pause_between() -> None:
    rng = np.random.default_rng(0)
    span = Span(ORIGIN, ORIGIN + 7200 * MICROSECONDS)
    _, ts = in_bursts(rng, 1, span, ORIGIN, every=3600, after=60, lasting=120, per_second=2.0)
    within = (ts - ORIGIN) / MICROSECONDS % 3600
    assert ((within >= 60) & (within < 180)).all()
    assert 350 < len(ts) < 610
    assert set((ts - ORIGIN) // (3600 * MICROSECONDS)) == {0, 1}


def test_running_sums_start_over_with_every_group() -> None:
    sums = group_sums(np.array([2, 1, 3]), np.array([1.0, 2.0, 5.0, 1.0, 1.0, 1.0]))
    assert sums.tolist() == [1.0, 3.0, 5.0, 1.0, 2.0, 3.0]
