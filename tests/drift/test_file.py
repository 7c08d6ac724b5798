"""drift.json: what is written is read, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.drift.file import BEGINNING, DriftFile, decode, encode
from zeekml.drift.report import DriftReport
from zeekml.errors import FormatError

_TEXTS = st.text(max_size=20)
_SHARES = st.floats(0, 1)
REPORTS = st.builds(
    DriftReport,
    looked_at=st.integers(0, 10**9).map(float),
    near=_SHARES,
    near_expected=st.none() | _SHARES,
    index=st.dictionaries(_TEXTS, st.integers(0, 10**9).map(lambda number: number / 1e6), max_size=5),
)


@given(_TEXTS, st.floats(0, 4e9), st.dictionaries(_TEXTS, REPORTS, max_size=4))
def test_what_is_written_is_read(model: str, made: float, logs: dict[str, DriftReport]) -> None:
    file = DriftFile(model, made, logs)
    content = encode(file)
    assert content.startswith(BEGINNING)
    assert content.isascii()
    assert content.count(b"\n") == 1
    found = decode(content, "drift.json")
    assert found == file
    assert [list(each.index) for each in found.logs.values()] == [list(each.index) for each in logs.values()]


def test_a_name_that_is_no_utf8_is_written_as_an_escape() -> None:
    file = decode(encode(DriftFile("m", 0.0, {"a\udcff": DriftReport(1.0, 0.5, None, {})})), "drift.json")
    assert list(file.logs) == [r"a\udcff"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        json.dumps({"format": "zeekml drift 2", "model": "m", "made": 0, "logs": {}}).encode(),
        encode(DriftFile("m", 0.0, {"a": DriftReport(1.0, 0.5, None, {})})).replace(b"0.5", b"1.5"),
        encode(DriftFile("m", 0.0, {"a": DriftReport(1.0, 0.5, None, {})})).replace(b"0.5", b"NaN"),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(FormatError, match=r"x/drift\.json: is no drift\.json as zeekml writes it"):
        decode(content, "x/drift.json")
