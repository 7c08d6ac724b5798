"""Arrow's arrays from numpy's and back: the same as Arrow's own conversions, without pandas."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.arrow import (
    TEXT,
    bools_of,
    codes_of,
    nulls_of,
    numbers_of,
    of_bools,
    of_numbers,
    of_texts,
    texts_of,
)

_MASKED = st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), st.booleans()), max_size=40)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64])
@given(values=_MASKED, start=st.integers(0, 40))
def test_numbers(dtype: Any, values: list[tuple[int, bool]], start: int) -> None:
    numbers = np.array([value for value, _ in values], dtype=dtype)
    unset = np.array([mask for _, mask in values], dtype=np.bool_)
    array = of_numbers(numbers, unset)
    array.validate(full=True)
    assert array.equals(pa.array(numbers, mask=unset))
    part = array[start:]
    assert nulls_of(part).tolist() == unset[start:].tolist()
    assert numbers_of(part, -1).tolist() == np.where(unset, -1, numbers)[start:].tolist()


@given(codes=st.lists(st.integers(-1, 9), max_size=40), start=st.integers(0, 40), behind=st.integers(-2, 9))
def test_codes(codes: list[int], start: int, behind: int) -> None:
    """Whatever stands behind those that are null."""
    array = np.array(codes, dtype=np.int32)
    for values in (array, np.where(array < 0, np.int32(behind), array)):
        part = of_numbers(values, array < 0)[start:]
        assert codes_of(part, -1).tolist() == codes[start:]


@given(values=st.lists(st.sampled_from([True, False, None]), max_size=40), start=st.integers(0, 40))
def test_truth_values(values: list[bool | None], start: int) -> None:
    array = of_bools(
        np.array([bool(value) for value in values], dtype=np.bool_),
        np.array([value is None for value in values], dtype=np.bool_),
    )
    array.validate(full=True)
    assert array.to_pylist() == values
    assert bools_of(array[start:]).tolist() == [bool(value) for value in values[start:]]


@pytest.mark.parametrize("kind", [pa.string(), TEXT])
@given(texts=st.lists(st.none() | st.text(), max_size=20), start=st.integers(0, 20))
def test_texts(kind: pa.DataType, texts: list[str | None], start: int) -> None:
    array = of_texts(texts, kind)
    array.validate(full=True)
    assert array.equals(pa.array(texts, kind))
    starts, data = texts_of(array[start:])
    held = [data[a:b].tobytes().decode() for a, b in pairwise(starts.tolist())]
    assert held == [text or "" for text in texts[start:]]


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        of_texts(["\udcff"])


def test_arrays_of_nothing_but_nulls() -> None:
    assert numbers_of(pa.nulls(3, pa.float64()), 7).tolist() == [7, 7, 7]
    assert nulls_of(pa.nulls(2)).tolist() == [True, True]
    assert bools_of(pa.nulls(2, pa.bool_())).tolist() == [False, False]


def test_pandas_is_not_loaded() -> None:
    code = (
        "import sys, numpy as np\n"
        "from zeekml.arrow import of_numbers, of_texts, of_bools, numbers_of, bools_of, texts_of\n"
        "mask = np.array([True, False])\n"
        "numbers_of(of_numbers(np.arange(2), mask), 0)\nbools_of(of_bools(mask, mask))\n"
        "texts_of(of_texts(['a', None]))\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
