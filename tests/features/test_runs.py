"""Runs and the tails laid before them, against plain lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.features.runs import Runs, TailLayout

WIDTH = 3
LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def runs_of(lengths: list[int]) -> Runs:
    starts = np.zeros(sum(lengths), dtype=bool)
    starts[np.cumsum([0, *lengths[:-1]])] = True
    return Runs.where(starts)


@settings(deadline=None, max_examples=50)
@given(lengths=LENGTHS)
def test_runs(lengths: list[int]) -> None:
    runs = runs_of(lengths)
    assert (runs.ends - runs.starts).tolist() == lengths
    assert runs.of_row.tolist() == [run for run, length in enumerate(lengths) for _ in range(length)]
    assert runs.rank.tolist() == [rank for length in lengths for rank in range(length)]


def test_no_rows_are_no_runs() -> None:
    runs = Runs.where(np.zeros(0, dtype=bool))
    assert len(runs.starts) == len(runs.ends) == len(runs.rank) == 0


@settings(deadline=None, max_examples=50)
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_windows_sums_and_what_is_carried(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    tails = rng.integers(0, 100, (len(lengths), WIDTH))
    rows = rng.integers(0, 100, sum(lengths))
    layout = TailLayout(runs_of(lengths), WIDTH)
    buffer = layout.lay(tails, rows)

    windows, last, at = [], [], 0
    for tail, length in zip(tails.tolist(), lengths, strict=True):
        held = tail + rows[at : at + length].tolist()
        windows += [held[i : i + WIDTH + 1] for i in range(length)]
        last.append(held[-WIDTH:])
        at += length
    assert layout.windows(buffer).tolist() == windows
    assert layout.window_sums(buffer).tolist() == [sum(window) for window in windows]
    assert layout.last(buffer).tolist() == last
    assert buffer[layout.row_at].tolist() == rows.tolist()
