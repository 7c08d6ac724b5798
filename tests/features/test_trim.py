"""Floors of trims against a plain list of what was used last, with trims."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.features.trim import NEVER, floors

USES = st.lists(st.integers(0, 11), min_size=1, max_size=80)


def plain(uses: list[int], every: int, keep: int) -> tuple[list[set[int]], list[bool]]:
    """What is held after each trim, and whether each use found its context gone or never there."""
    last: dict[int, int] = {}
    held, new = [], []
    for number, context in enumerate(uses, 1):
        new.append(context not in last)
        last[context] = number
        if number % every == 0:
            kept = sorted(last, key=lambda c: -last[c])[:keep]
            last = {c: last[c] for c in kept}
            held.append(set(last))
    return held, new


@settings(deadline=None, max_examples=150)
@given(uses=USES, every=st.integers(1, 5), keep=st.integers(1, 8))
def test_floors_keep_what_was_used_last(uses: list[int], every: int, keep: int) -> None:
    at = np.arange(1, len(uses) + 1)
    again = np.full(len(uses), NEVER)
    before = np.full(len(uses), -1)
    latest: dict[int, int] = {}
    for i, context in enumerate(uses):
        if context in latest:
            again[latest[context]] = i + 1
            before[i] = latest[context] + 1
        latest[context] = i
    trims = np.arange(every, len(uses) + 1, every)
    found = floors(at, again, trims, keep)

    held, new = plain(uses, every, keep)
    for trim, floor, expected in zip(trims, found, held, strict=True):
        used = {context: i for i, context in enumerate(uses[:trim], 1)}
        # A floor forgets what was last used before it; floors only rise, so an earlier one is implied.
        assert {context for context, number in used.items() if number >= floor} == expected
    last_floor = np.concatenate([[0], found])[(at - 1) // every]
    assert ((before < 0) | (before < last_floor)).tolist() == new
    assert (np.diff(found) >= 0).all()


def test_nothing_is_forgotten_while_there_is_room() -> None:
    at = np.arange(1, 9)
    assert floors(at, np.full(8, NEVER), np.array([4, 8]), keep=8).tolist() == [0, 0]
