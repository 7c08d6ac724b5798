"""What is remembered of hosts: nothing but their connections, and of too many hosts those seen last."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import cut, cuts, logs
from zeekml.features import StateLimits, StreamState, features
from zeekml.features.hosts import host_table
from zeekml.features.kernels.hosts import TAIL
from zeekml.features.state import _least_recent

LIMITS = StateLimits(idle=100, max_pairs=9)


def soiled() -> StreamState:
    """A state whose memory holds what others have left there."""
    state = StreamState(LIMITS)
    state.hosts._grow(2000)
    for name, array in state.hosts._arrays.items():
        if array.ndim == 2:
            state.hosts[name][:] = 7
    return state


@settings(deadline=None, max_examples=60)
@given(frame=logs(), places=cuts(), first=st.integers(0, 3))
def test_memory_that_was_used_before_changes_nothing(
    frame: pd.DataFrame, places: list[int], first: int
) -> None:
    clean, used = StreamState(LIMITS), soiled()
    for at, part in enumerate(cut(frame, places)):
        np.testing.assert_array_equal(features(part, clean), features(part, used))
        if at == first:  # as if it were stopped here and went on
            held, used = used.export(), soiled()
            used.restore(held)
    expected, found = clean.export(), used.export()
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(expected[name], found[name], err_msg=name)
    tails = found["hosts/times"]
    assert tails.shape[1] == TAIL
    assert np.isnan(tails).sum(axis=1).tolist() == (TAIL - np.minimum(found["hosts/seen"], TAIL)).tolist()


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 40))
def test_the_hosts_seen_longest_ago_go_and_of_equals_those_with_the_least_keys(
    clocks: list[int], most: int
) -> None:
    clock = np.array(clocks, dtype=np.float64)
    slots = np.random.default_rng(len(clocks)).permutation(len(clocks))
    by_slot = np.empty(len(clocks))
    by_slot[slots] = clock
    gone = _least_recent(slots, by_slot, most)
    oldest = sorted(range(len(clocks)), key=lambda key: (clocks[key], key))[: max(0, len(clocks) - most)]
    assert sorted(gone.tolist()) == sorted(slots[oldest].tolist())


def test_what_is_removed_and_added_lies_together() -> None:
    table = host_table()
    slots = table.insert(np.arange(1000, dtype=np.uint64))
    table.remove(slots[[900, 5, 700, 6]])
    assert table.insert(np.arange(2000, 2004, dtype=np.uint64)).tolist() == sorted(slots[[900, 5, 700, 6]])
