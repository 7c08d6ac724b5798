"""Arrow's texts converted, picked and wrapped: the same as Arrow's own functions give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.arrow import TEXT, of_texts
from zeekml.arrow_texts import as_texts, picked, wrapped

_TEXTS = st.lists(st.text(max_size=5), max_size=20) | st.lists(st.none() | st.text(max_size=5), max_size=20)
_KINDS = pytest.mark.parametrize("kind", [pa.string(), TEXT])


@_KINDS
@given(texts=_TEXTS, start=st.integers(0, 20))
def test_as_texts(kind: pa.DataType, texts: list[str | None], start: int) -> None:
    part = of_texts(texts, kind)[start:]
    found = as_texts(part)
    found.validate(full=True)
    assert found.equals(part.cast(TEXT))


@_KINDS
@given(texts=_TEXTS, start=st.integers(0, 20), data=st.data())
def test_picked(kind: pa.DataType, texts: list[str | None], start: int, data: st.DataObject) -> None:
    part = of_texts(texts, kind)[start:]
    places = data.draw(st.lists(st.integers(0, len(part) - 1), max_size=30) if len(part) else st.just([]))
    found = picked(part, np.array(places, dtype=np.int64))
    found.validate(full=True)
    assert found.to_pylist() == part.take(pa.array(places, pa.int64())).to_pylist()


@_KINDS
@given(texts=_TEXTS, start=st.integers(0, 20), before=st.text(max_size=3), after=st.text(max_size=3))
def test_wrapped(kind: pa.DataType, texts: list[str | None], start: int, before: str, after: str) -> None:
    part = of_texts(texts, kind)[start:]
    found = wrapped(part, before, after)
    around = [pa.scalar(text, TEXT) for text in (before, after, "")]
    found.validate(full=True)
    assert found.equals(pc.binary_join_element_wise(*around[:1], part.cast(TEXT), *around[1:]))
