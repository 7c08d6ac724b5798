"""The protocols: nothing is in two places, nothing is lost, whole scenarios stay together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.comparison.tables import data_folder
from zeekml.comparison.distinct import Distinct, distinct_rows
from zeekml.comparison.splits import protocols_of, scenario_folds, split, tuning_part
from zeekml.comparison.tables import Table, load_table
from zeekml.errors import FormatError

Prepared = tuple[Table, Distinct]


@pytest.fixture(scope="module")
def iot23(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    table = load_table("iot23", data_folder(tmp_path_factory.mktemp("data")))
    return table, distinct_rows(table)


def test_random_divides_the_rows(iot23: Prepared) -> None:
    table, distinct = iot23
    (part,) = split(table, distinct, "random")
    assert np.array_equal(part.train + part.validation + part.test, distinct.counts)
    assert part.test.sum() == pytest.approx(0.2 * len(table), rel=0.25)


def test_distinct_divides_vectors_of_every_class(iot23: Prepared) -> None:
    table, distinct = iot23
    (part,) = split(table, distinct, "distinct")
    together = part.train + part.validation + part.test
    assert np.array_equal(together.sum(axis=1), np.ones(len(distinct)))
    assert np.array_equal(together.argmax(axis=1), distinct.labels)
    held = np.bincount(distinct.labels, minlength=len(table.classes))
    assert np.array_equal(part.test.sum(axis=0), np.maximum(np.round(0.4 * held), held > 1))


def test_tuning_sees_no_row_that_distinct_tests(iot23: Prepared) -> None:
    table, distinct = iot23
    (part,) = split(table, distinct, "distinct")
    tuning = tuning_part(distinct)
    seen = (tuning.train + tuning.validation).sum(axis=1) > 0
    assert np.array_equal(seen, part.test.sum(axis=1) == 0)
    assert not tuning.test.any()


def test_scenarios_are_left_out_whole_and_each_once(iot23: Prepared) -> None:
    table, distinct = iot23
    assert table.scenario is not None
    fold = scenario_folds(table)
    folds_of = {name: set(fold[table.scenario == name]) for name in np.unique(table.scenario)}
    assert all(len(found) == 1 for found in folds_of.values())
    parts = split(table, distinct, "scenario")
    assert np.array_equal(parts[0].test + parts[1].test, distinct.counts)
    for part in parts:
        assert np.array_equal(part.train + part.validation + part.test, distinct.counts)
    # DDoS and C&C are in two scenarios: each part can learn them and is tested on them.
    for label in (table.classes.index("DDoS"), table.classes.index("C&C")):
        assert all(part.test[:, label].any() and part.train[:, label].any() for part in parts)


def test_every_split_is_the_same_again(iot23: Prepared) -> None:
    for protocol in protocols_of(iot23[0]):
        for a, b in zip(split(*iot23, protocol), split(*iot23, protocol), strict=True):
            assert np.array_equal(a.train, b.train)
            assert np.array_equal(a.test, b.test)


def test_a_table_without_scenarios_has_no_such_protocol(tmp_path: Path) -> None:
    table = load_table("unsw-nb15", data_folder(tmp_path))
    assert protocols_of(table) == ("random", "distinct")
    with pytest.raises(FormatError, match="which scenario"):
        split(table, distinct_rows(table), "scenario")
