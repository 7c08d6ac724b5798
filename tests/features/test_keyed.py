"""The keyed table against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.errors import StateError
from zeekml.features.keyed import KeyedTable, mix

KEYS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 20), max_size=30)


def table() -> KeyedTable:
    return KeyedTable(value=(np.int64, (), -1), tail=(np.float32, (3,), np.nan))


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(st.tuples(st.sampled_from(("add", "remove")), KEYS), max_size=12))
def test_it_behaves_as_a_dictionary(steps: list[tuple[str, list[int]]]) -> None:
    mine, plain = table(), dict[int, int]()
    stamp = 0
    for action, raw in steps:
        keys = np.unique(np.array(raw, dtype=np.uint64))
        slots = mine.lookup(keys)
        assert [slot >= 0 for slot in slots] == [int(key) in plain for key in keys]
        if action == "remove":
            mine.remove(slots[slots >= 0])
            for key in keys:
                plain.pop(int(key), None)
        else:
            added = mine.insert(keys[slots < 0])
            assert (mine["value"][added] == -1).all()
            assert np.isnan(mine["tail"][added]).all()
            for key in keys:
                stamp += 1
                mine["value"][mine.lookup(np.array([key]))] = stamp
                plain[int(key)] = stamp
        assert len(mine) == len(plain)
        assert mine.keys.tolist() == sorted(plain)
        assert mine["value"][mine.slots].tolist() == [plain[key] for key in sorted(plain)]
        assert len(np.unique(mine.slots)) == len(mine)


def test_a_slot_stays_while_its_key_is_held() -> None:
    held = table()
    first = held.insert(np.array([500], dtype=np.uint64))
    held["value"][first] = 7
    held.insert(np.arange(1000, 9000, dtype=np.uint64))
    held.remove(held.lookup(np.arange(1000, 5000, dtype=np.uint64)))
    assert held.lookup(np.array([500], dtype=np.uint64)).tolist() == first.tolist()
    assert held["value"][first] == 7


def test_removed_slots_are_used_again() -> None:
    held = table()
    for start in range(0, 50_000, 500):
        slots = held.insert(np.arange(start, start + 500, dtype=np.uint64))
        held.remove(slots)
    assert held.capacity <= 1024


def test_lookup_in_an_empty_table() -> None:
    assert table().lookup(np.array([1, 2], dtype=np.uint64)).tolist() == [-1, -1]


def test_mix_tells_columns_and_their_order_apart() -> None:
    a, b = np.arange(1, 2001, dtype=np.uint64), np.zeros(2000, dtype=np.uint64)
    keys = np.concatenate([mix(a), mix(a, b), mix(b, a), mix(a, a), mix(a, b, b)])
    assert len(np.unique(keys)) == len(keys)


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(st.tuples(st.sampled_from(("add", "remove")), KEYS), max_size=12), further=KEYS)
def test_what_is_exported_comes_back(steps: list[tuple[str, list[int]]], further: list[int]) -> None:
    held = table()
    for action, raw in steps:
        keys = np.unique(np.array(raw, dtype=np.uint64))
        slots = held.lookup(keys)
        if action == "remove":
            held.remove(slots[slots >= 0])
        else:
            added = held.insert(keys[slots < 0])  # it may replace the arrays
            held["value"][added] = len(keys)
    arrays = held.export()
    assert {len(array) for array in arrays.values()} == {len(held)}
    again = table()
    again.insert(np.array([1, 2, 2**63], dtype=np.uint64))  # what was held before is gone
    again.restore(arrays)
    for one in (held, again):
        keys = np.unique(np.array(further, dtype=np.uint64))
        one.insert(keys[one.lookup(keys) < 0])
    assert again.keys.tolist() == held.keys.tolist()
    assert again["value"][again.slots].tolist() == held["value"][held.slots].tolist()
    assert len(np.unique(again.slots)) == len(again)


def test_an_export_is_a_copy() -> None:
    held = table()
    slots = held.insert(np.array([5], dtype=np.uint64))
    arrays = held.export()
    held["value"][slots] = 9
    again = table()
    again.restore(arrays)
    again["value"][again.slots] = 8
    assert arrays["value"].tolist() == [-1]


def test_a_table_of_other_fields_is_refused() -> None:
    other = KeyedTable(value=(np.int64, (), -1), tail=(np.float32, (4,), np.nan))
    with pytest.raises(StateError, match=r"tail: found float32 of shape \(0, 4\), expected .*\(0, 3\)"):
        table().restore(other.export())
