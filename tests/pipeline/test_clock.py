"""A clock that is set is told, with what goes by it; one that drifts is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.pipeline.clock import LEAST, SetClock


class Clocks:
    """A wall clock, and one that is never set."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.steady = 50.0

    def watched(self) -> SetClock:
        return SetClock(lambda: self.wall, lambda: self.steady)


@pytest.mark.parametrize(
    ("by", "word"), [(86_400.0, "went ahead by 86400 s"), (-3600.0, "went back by 3600 s")]
)
def test_a_clock_that_is_set_is_told_once(by: float, word: str, caplog: pytest.LogCaptureFixture) -> None:
    clocks = Clocks()
    clock = clocks.watched()
    clocks.wall += by + 1.0
    clocks.steady += 1.0
    assert clock.look() == pytest.approx(by)
    assert clock.look() == 0.0
    (told,) = caplog.messages
    assert word in told
    assert "Verdicts go by the times in the logs alone" in told


@given(st.lists(st.tuples(st.floats(0.0, 1e6), st.floats(-0.9, 0.9)), max_size=20))
def test_time_that_passes_and_small_corrections_are_not_told(passed: list[tuple[float, float]]) -> None:
    clocks = Clocks()
    clock = clocks.watched()
    drift = 0.0
    for seconds, corrected in passed:
        clocks.steady += seconds
        clocks.wall += seconds + corrected
        drift += corrected
        if abs(drift) < LEAST:
            assert clock.look() == 0.0
        else:
            return
