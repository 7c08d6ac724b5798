"""The tables: what becomes a feature, a class, a bound; the published tables have what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.comparison.tables import data_folder, iot23, unsw
from zeekml.comparison.distinct import distinct_rows, for_task, published_bounds, upper_bounds
from zeekml.comparison.tables import DATA_SETS, load_table
from zeekml.errors import FormatError, InputError, MissingColumnError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return data_folder(tmp_path)


def write(data: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = data / DATA_SETS[name].path
    if name == "iot23":
        change(iot23()).to_parquet(path)
    else:
        change(unsw()).to_csv(path, index=False)


def test_no_column_that_gives_the_label_away_is_a_feature(data: Path) -> None:
    for name in DATA_SETS:
        table = load_table(name, data)
        assert not {"id", "scenario", "family", "seq", "label", "detailed-label", "attack_cat"} & set(
            table.features.columns
        )
        assert set(table.features.columns) == {*table.categories, *table.numbers}
        assert len(table.features) == len(table) == len(table.labels)


def test_scans_called_benign_are_put_right(data: Path) -> None:
    table = load_table("iot23", data)
    assert table.corrected == 5
    assert table.scenario is not None
    scans = table.scenario == "CTU-IoT-Malware-Capture-35-1"
    assert {table.classes[label] for label in table.labels[scans]} == {"PortScan"}
    assert (table.published[scans] == "-").sum() == 5


def test_labels_become_the_six_classes(data: Path) -> None:
    table = load_table("iot23", data)
    named = {
        word: table.classes[table.labels[table.published == word][-1]] for word in np.unique(table.published)
    }
    assert named == {
        "-": "Benign",
        "Attack": "Attack",
        "C&C": "C&C",
        "C&C-HeartBeat": "C&C",
        "DDoS": "DDoS",
        "FileDownload": "FileDownload",
        "Okiru": "PortScan",
        "PartOfAHorizontalPortScan": "PortScan",
    }


@pytest.mark.parametrize("name", list(DATA_SETS))
def test_what_is_wrong_with_a_table_is_said(name: str, tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match="is not there; --data takes the folder"):
        load_table(name, tmp_path / "nowhere")
    label = "detailed-label" if name == "iot23" else "attack_cat"
    write(data, name, lambda frame: frame.drop(columns=["proto"]))
    with pytest.raises(MissingColumnError, match="lacks proto"):
        load_table(name, data)
    write(data, name, lambda frame: frame.assign(**{label: "Novelty"}))
    with pytest.raises(FormatError, match="not known: Novelty"):
        load_table(name, data)
    (data / DATA_SETS[name].path).write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(InputError):
        load_table(name, data)


def test_bounds_count_the_most_frequent_label_of_equal_rows(data: Path) -> None:
    frame = iot23().iloc[:1].loc[np.zeros(10, dtype=int)].reset_index(drop=True)
    frame["scenario"] = "elsewhere"
    frame["detailed-label"] = ["-"] * 4 + ["DDoS"] * 3 + ["C&C", "C&C-Torii", "Okiru"]
    frame["label"] = np.where(frame["detailed-label"] == "-", "Benign", "Malicious")
    frame.to_parquet(data / DATA_SETS["iot23"].path)
    table = load_table("iot23", data)
    distinct = distinct_rows(table)
    assert len(distinct) == 1
    assert distinct.counts.tolist() == [[4, 1, 3, 2, 0, 0]]
    assert for_task(distinct.counts, "binary").tolist() == [[4, 6]]
    bounds, published = upper_bounds(distinct), published_bounds(table, distinct)
    assert (bounds.binary, bounds.multi) == (0.6, 0.4)
    assert (published.binary, published.multi) == (0.6, 0.4)


def test_the_published_tables_are_what_is_known_of_them(shared_data: Path) -> None:
    """Counts and bounds of the real tables, as they were worked out independently of this code."""
    table = load_table("iot23", shared_data)
    distinct = distinct_rows(table)
    assert (len(table), len(distinct), table.corrected) == (1_242_657, 59_520, 129_607)
    assert len(table.features.columns) == 10
    bounds, published = upper_bounds(distinct), published_bounds(table, distinct)
    shown = [round(100 * x, 2) for x in (bounds.binary, bounds.multi, published.binary, published.multi)]
    assert shown == [99.37, 96.32, 92.65, 69.47]
    table = load_table("unsw-nb15", shared_data)
    distinct = distinct_rows(table)
    assert (len(table), len(distinct), len(table.classes)) == (82_332, 53_946, 10)
    assert np.bincount(table.labels)[[0, -1]].tolist() == [37_000, 44]
