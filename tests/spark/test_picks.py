"""Connections picked from several tables are those of one table that has them all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import arrow_of, logs, plain
from zeekml.memory import Memory
from zeekml.spark.picks import Pick, table_of
from zeekml.table import Table


@given(logs(most=30), st.lists(st.integers(0, 30), max_size=4), st.integers(0, 2**32 - 1))
def test_picks_lie_one_after_the_other(frame: pd.DataFrame, cuts: list[int], seed: int) -> None:
    rows = np.random.default_rng(seed).permutation(len(frame))
    whole = arrow_of(frame)
    edges = sorted([0, *(min(cut, len(frame)) for cut in cuts), len(frame)])
    table = table_of([Pick(whole, rows)[start:stop] for start, stop in pairwise(edges)])
    wanted = plain(Table.of(frame).part(rows))
    assert len(table) == len(frame)
    assert plain(table) == wanted
    assert plain(table.part(slice(1, -1))) == {name: values[1:-1] for name, values in wanted.items()}
    for name in ("id.orig_h", "service"):
        labels = table.label(name)
        assert sorted(labels.texts) == sorted({text for text in wanted[name] if isinstance(text, str)})


def test_a_column_that_only_some_of_the_tables_have() -> None:
    protos = pa.array(["udp", "tcp"]).dictionary_encode()
    first, second = pa.table({"ts": [1.0]}), pa.table({"proto": protos, "uid": ["C0", "C1"]})
    found = plain(table_of([Pick(first, np.array([0])), Pick(second, np.array([1]))]))
    assert found["proto"] == [None, "tcp"]
    assert found["uid"] == [None, "C1"]
    assert found["ts"] == [1.0, None]
    assert found["local_orig"] == [-1, -1]


def test_tables_that_are_read_late_do_not_share_memory() -> None:
    memory, count = Memory(), 1 << 17
    tables = [pa.table({"ts": np.full(count, float(number))}) for number in range(4)]
    late = [table_of([Pick(table, np.arange(count))], memory) for table in tables]
    read = [table.number("ts") for table in late]
    assert [set(column.tolist()) for column in read] == [{0.0}, {1.0}, {2.0}, {3.0}]


def test_memory_is_used_again() -> None:
    memory, rows = Memory(), np.arange(1 << 17)
    table = pa.table({"ts": np.zeros(len(rows))})
    places = {table_of([Pick(table, rows)], memory).number("ts").ctypes.data for _ in range(20)}
    assert len(places) <= 2
