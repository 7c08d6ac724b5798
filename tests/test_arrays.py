"""State as plain arrays: names, numbers, texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.arrays import below, number, pack_texts, taken, under, unpack_texts
from zeekml.errors import StateError


@given(st.lists(st.text(st.characters(codec="utf-8") | st.just("\udcff"))))
def test_texts_come_back(texts: list[str]) -> None:
    assert unpack_texts(pack_texts(texts)) == texts


def test_what_goes_under_a_name_is_found_below_it() -> None:
    arrays = {"a": number(1), "b/c": number(2)}
    joined = under("x", arrays) | under("xy", {"d": number(3)})
    assert list(joined) == ["x/a", "x/b/c", "xy/d"]
    assert below("x", joined) == arrays


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (None, "nothing"),
        (np.zeros(3, dtype=np.float32), r"float32 of shape \(3,\)"),
        (np.zeros((3, 2)), r"float64 of shape \(3, 2\)"),
        (np.zeros(4), r"float64 of shape \(4,\)"),
    ],
)
def test_an_array_that_does_not_fit_is_told(array: np.ndarray | None, found: str) -> None:
    arrays = {} if array is None else {"hosts/clock": array}
    with pytest.raises(
        StateError, match=rf"hosts/clock: found {found}, expected float64 of shape \(3,\); .*new"
    ):
        taken(arrays, "hosts/clock", np.empty(9), 3)


def test_texts_that_are_cut_short_are_told() -> None:
    arrays = pack_texts(["abc", "d"])
    with pytest.raises(StateError, match="text: found"):
        unpack_texts({**arrays, "text": arrays["text"][:2]})
