"""Inputs: marks, bins, steps; what training did not see stays within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.comparison.tables import data_folder
from zeekml.comparison.inputs import BINS, CHANNELS, FREQUENT, WHOLE, Inputs
from zeekml.comparison.tables import Table, load_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return load_table("iot23", data_folder(tmp_path_factory.mktemp("data")))


def test_a_category_marks_its_value_or_the_rest(table: Table) -> None:
    inputs = Inputs.fit(table, table.features)
    rows = table.features.iloc[:2].copy()
    rows["proto"] = ["tcp", "sctp"]
    marks = inputs.encode(rows)[:, 0]
    assert marks.sum(axis=1).tolist() == [1, 1]
    known = list(inputs.frequent["proto"])
    assert marks[0].argmax() == known.index("tcp")
    assert marks[1].argmax() == len(known)


def test_a_number_fills_its_bins_and_marks_frequent_values(table: Table) -> None:
    inputs = Inputs.fit(table, table.features)
    at = inputs.names.index("orig_ip_bytes")
    rows = table.features.iloc[:4].copy()
    rows["orig_ip_bytes"] = [0, 40, 10**9, 401]
    encoded = inputs.encode(rows)[:, at]
    frequent = list(inputs.frequent["orig_ip_bytes"])
    assert 0 < len(frequent) <= FREQUENT
    bins = encoded[:, len(frequent) : len(frequent) + BINS]
    filled = bins.sum(axis=1)
    # A greater number fills no less, and one beyond all that was seen fills all.
    assert filled[0] <= filled[1] < filled[3] < filled[2] == pytest.approx(BINS)
    assert bins[0].sum() == 0
    assert encoded[1, frequent.index(40)] == 1
    assert encoded[3, : len(frequent)].sum() == 0


@pytest.mark.parametrize(("patch", "steps"), [(1, 10), (3, 4), (WHOLE, 1)])
def test_patches_hold_the_same_channels_in_the_same_order(table: Table, patch: int, steps: int) -> None:
    inputs = Inputs.fit(table, table.features)
    rows = table.features.iloc[::7]
    one, patched = inputs.encode(rows), inputs.encode(rows, patch)
    assert patched.shape == (len(rows), steps, (patch or 10) * CHANNELS)
    flat = patched.reshape(len(rows), -1)
    assert np.array_equal(flat[:, : 10 * CHANNELS], one.reshape(len(rows), -1))
    assert not flat[:, 10 * CHANNELS :].any()
    assert flat.min() == 0
    assert flat.max() == 1


def test_the_order_of_the_rows_does_not_matter(table: Table) -> None:
    rows = table.features
    shuffled = rows.sample(frac=1, random_state=3)
    a, b = Inputs.fit(table, rows), Inputs.fit(table, shuffled)
    assert np.array_equal(a.encode(rows), b.encode(rows))
