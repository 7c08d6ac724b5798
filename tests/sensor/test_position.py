"""Positions are written down and read back whole."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.sensor import Position

POSITIONS = st.builds(
    Position,
    device=st.integers(0, 2**63),
    inode=st.integers(0, 2**63),
    path=st.text(),
    begin=st.integers(0),
    offset=st.integers(0),
    line=st.integers(0),
    fingerprint=st.binary(),
    mark=st.binary(),
    header=st.binary(),
    format=st.text(),
    modified=st.floats(0, 1e10),
    previous=st.none() | st.datetimes(),
    predecessor=st.none() | st.binary(),
)


@given(POSITIONS)
def test_a_position_survives_being_written_down(position: Position) -> None:
    assert Position.from_json(json.loads(json.dumps(position.to_json()))) == position


@pytest.mark.parametrize("name", [field.name for field in fields(Position)])
def test_a_damaged_position_names_its_field(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Position.from_json({**Position().to_json(), name: [1]})


def test_the_last_rotation_date_only_grows() -> None:
    early, late = datetime(2026, 11, 23, 10), datetime(2026, 11, 23, 11)
    assert Position().after(early, b"x") == Position(previous=early, predecessor=b"x")
    assert Position(previous=late).after(early, None) == Position(previous=late, predecessor=None)
    assert Position(previous=late).after(None, None).previous == late
