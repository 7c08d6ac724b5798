"""Connections seen through a table: the same whatever kind of frame they came in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import arrow_of, logs, plain, random_log
from zeekml.features import LAYOUT, StateLimits, StreamState, features
from zeekml.health.flags import flags_of
from zeekml.records.to_arrow import to_arrow
from zeekml.records.to_pandas import to_frame
from zeekml.table import Labels, Table, Texts


@given(logs(most=30), st.integers(0, 30), st.integers(0, 30))
def test_a_frame_and_arrow_look_the_same_whole_and_in_part(
    frame: pd.DataFrame, start: int, stop: int
) -> None:
    arrow = arrow_of(frame)
    wanted = plain(Table.of(frame))
    assert plain(Table.of_arrow(arrow)) == wanted
    some = {name: values[start:stop] for name, values in wanted.items()}
    rows = np.arange(len(frame))[start:stop]
    for table in (Table.of(frame), Table.of_arrow(arrow)):
        assert plain(table.part(slice(start, stop))) == some
        assert plain(table.part(rows)) == some
    assert plain(Table.of_arrow(arrow.slice(start, max(stop - start, 0)))) == some
    pd.testing.assert_frame_equal(to_frame(arrow), frame, check_categorical=False)


def test_features_and_flags_do_not_depend_on_the_kind_of_frame() -> None:
    frame = random_log(5, 400)
    table = Table.of_arrow(arrow_of(frame))
    limits = StateLimits()
    np.testing.assert_array_equal(features(frame, StreamState(limits)), features(table, StreamState(limits)))
    assert flags_of(frame).tolist() == flags_of(table).tolist()
    assert features(table.part(slice(0, 0)), StreamState(limits)).shape == (0, len(LAYOUT.features))


def test_a_column_that_is_not_there_is_unset() -> None:
    table = Table.of_arrow(pa.table({"ts": [1.0, 2.0]}))
    assert table.number("ts").tolist() == [1.0, 2.0]
    told = plain(table)
    assert told["service"] == told["uid"] == told["duration"] == [None, None]
    assert told["local_orig"] == [-1, -1]
    assert len(table) == 2


def test_a_coded_column_in_which_nothing_is_set() -> None:
    nothing = pa.DictionaryArray.from_arrays(pa.array([None, None], type=pa.int8()), pa.nulls(0))
    table = Table.of_arrow(pa.table({"ts": [1.0, 2.0], "service": nothing}))
    assert table.label("service").tolist() == [None, None]
    assert table.label("service").texts.hashes.tolist() == []
    assert to_arrow(table).column("service").to_pylist() == [None, None]


def test_a_table_is_taken_as_it_is() -> None:
    table = Table.of_arrow(pa.table({"ts": [1.0]}))
    assert Table.of(table) is table
    assert table.number("ts") is table.number("ts"), "worked out once"


def test_a_column_of_plain_texts_is_one_of_labels() -> None:
    labels = Table.of(pd.DataFrame({"proto": ["udp", "tcp", "udp"]})).label("proto")
    assert labels.tolist() == ["udp", "tcp", "udp"]
    assert sorted(labels.texts) == ["tcp", "udp"]


def test_labels() -> None:
    labels = Labels(np.array([2, -1, 0, 2], dtype=np.int32), Texts.of(["a", "b", "c"]))
    assert labels.tolist() == ["c", None, "a", "c"]
    assert labels[1:3].tolist() == [None, "a"]
    assert labels.compact().texts.tolist() == ["a", "c"]
    assert labels.compact().tolist() == labels.tolist()
    assert labels.each(np.array([1.0, 2.0, 3.0]), 9).tolist() == [3.0, 9.0, 1.0, 3.0]
    assert labels.test(lambda texts: np.array([text > "a" for text in texts])).tolist() == [
        True,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("most", [3, 40, 40_000])
def test_texts_that_do_not_occur_go_however_many_they_are(most: int) -> None:
    codes = np.random.default_rng(most).integers(-1, most, 500).astype(np.int32)
    for some in (codes, np.maximum(codes, 0), codes[:0]):
        labels = Labels(some, Texts.of(map(str, range(most))))
        compact = labels.compact()
        assert compact.tolist() == labels.tolist()
        assert compact.codes.dtype == np.int32
        assert sorted(compact.texts) == sorted({text for text in labels.tolist() if text is not None})


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int16, np.int32, np.float32, np.int64, np.float64])
def test_what_holds_for_each_row_is_that_of_its_text(dtype: type[np.generic]) -> None:
    generator = np.random.default_rng(1)
    codes = generator.integers(-1, 40, 500).astype(np.int32)
    by_text = generator.integers(0, 100, 40).astype(dtype)
    labels = Labels(codes, Texts.of(map(str, range(40))))
    expected = np.where(codes < 0, dtype(1), by_text[codes])
    for part in (slice(None), slice(3, 400, 7), slice(0, 0)):
        each = labels[part].each(by_text, 1)
        assert each.dtype == dtype
        assert each.tolist() == expected[part].tolist()


def test_what_is_made_of_a_table_holds_on_to_nothing_else() -> None:
    frame = random_log(3, 200)
    some = to_arrow(Table.of(frame).part(slice(0, 3)))
    hosts = some.column("id.orig_h").chunk(0)
    assert sorted(hosts.dictionary.to_pylist()) == sorted(set(frame["id.orig_h"].iloc[:3].astype(str)))
