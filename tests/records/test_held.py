"""Bytes that wait for the rest of their lines, in memory that is used again."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zeekml.records.compression import Straight
from zeekml.records.held import Held


@given(steps=st.lists(st.tuples(st.binary(max_size=6), st.integers(0, 9), st.integers(0, 3)), max_size=60))
def test_it_holds_what_came_but_for_what_was_lent_or_dropped(steps: list[tuple[bytes, int, int]]) -> None:
    held, expected = Held(), b""
    for piece, lent, dropped in steps:
        held.add(piece)
        expected += piece
        view = held.lend(min(lent, len(expected)))
        assert bytes(view) == expected[:lent]
        expected = expected[lent:]
        held.hand_back(view)
        held.drop(min(dropped, len(expected)))
        expected = expected[dropped:]
        assert (len(held), bytes(held.view())) == (len(expected), expected)


@given(pieces=st.lists(st.text("a\n", max_size=5).map(str.encode), min_size=1), dropped=st.integers(0, 4))
def test_ends_of_lines_are_those_of_what_is_held(pieces: list[bytes], dropped: int) -> None:
    held = Held()
    for piece in pieces:
        held.add(piece)
    content = b"".join(pieces)
    held.drop(min(dropped, len(content)))
    content = content[dropped:]
    assert held.first_end() == content.find(b"\n") + 1
    assert held.last_end() == content.rfind(b"\n") + 1
    assert held.ends_with(b"a\n") == content.endswith(b"a\n")


@given(content=st.binary(max_size=60), taken=st.lists(st.integers(0, 9), max_size=9))
def test_plain_content_is_read_to_where_it_is_held(content: bytes, taken: list[int]) -> None:
    held, piece, expected = Held(), Straight(io.BytesIO(content), "x", 7), content
    for count in taken:
        held.add(piece)
        view = held.lend(min(count, len(held)))
        assert bytes(view) == expected[: len(view)]
        expected = expected[len(view) :]
        held.hand_back(view)
    while not piece.is_end:
        held.add(piece)
    assert bytes(held.view()) == expected


def test_memory_is_used_again() -> None:
    held = Held()
    places = set()
    for _ in range(100):
        held.add(b"x" * 1000)
        view = held.lend(1000)
        places.add(np.frombuffer(view, dtype=np.uint8).ctypes.data)
        held.hand_back(view)
    assert len(places) <= 3


def test_what_somebody_still_looks_into_is_left_as_it_is() -> None:
    held = Held()
    kept = []
    for number in range(100):
        held.add(bytes([number]) * 1000)
        view = held.lend(1000)
        kept.append(np.frombuffer(view, dtype=np.uint8))
        held.hand_back(view)
    assert all((array == number).all() for number, array in enumerate(kept))
