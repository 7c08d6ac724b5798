"""Label corrections: which connections a rule meets, and that it must meet as many as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.builders import frame_of, row
from tests.training.data import write_table
from zeekml.errors import RecipeError
from zeekml.training.corrections import load_corrections

COLUMNS = (
    "file", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state", "given", "corrected", "connections", "reason",
)  # fmt: skip
CLASSES = ["Benign", "PortScan", "C&C", "Unknown"]
FRAME = frame_of(
    [
        row(id_resp_p=23, conn_state="S0"),
        row(id_resp_p=23, conn_state="REJ"),
        row(id_resp_p=23, conn_state="S0", id_orig_h="192.168.1.11"),
        row(id_resp_p=53, proto="udp"),
        row(id_resp_p=23, conn_state="S0", id_resp_h="10.0.0.1"),
    ]
)


def words(*given: str) -> Any:
    return pd.Categorical(list(given) or ["Benign"] * len(FRAME), categories=pd.Index(CLASSES))


def corrected(folder: Path, rule: tuple[object, ...], given: Any = None) -> list[str]:
    """The words after one rule."""
    path = write_table(folder / "corrections.csv", COLUMNS, [rule])
    (correction,) = load_corrections(path)
    changed = words() if given is None else given
    correction.apply(FRAME, changed, Path("x.conn.log"))
    return list(changed)


@pytest.mark.parametrize(
    ("where", "met"),
    [
        (("", "", "", "", ""), [0, 1, 2, 3, 4]),
        (("", "", "23", "", ""), [0, 1, 2, 4]),
        (("", "", "23", "tcp", "S0"), [0, 2, 4]),
        (("192.168.1.11", "", "23", "", ""), [2]),
        (("", "10.0.0.1", "", "", ""), [4]),
        (("", "", "53", "udp", ""), [3]),
    ],
)
def test_a_rule_meets_what_fits_all_its_columns(
    tmp_path: Path, where: tuple[str, ...], met: list[int]
) -> None:
    changed = corrected(tmp_path, ("x", *where, "Benign", "PortScan", len(met), "why"))
    assert [i for i, word in enumerate(changed) if word == "PortScan"] == met
    assert set(changed) <= {"Benign", "PortScan"}


def test_only_connections_with_the_given_label_are_met(tmp_path: Path) -> None:
    given = words("Benign", "C&C", "Benign", "Unknown", "C&C")
    changed = corrected(tmp_path, ("x", "", "", "23", "", "", "C&C", "PortScan", 2, ""), given)
    assert changed == ["Benign", "PortScan", "Benign", "Unknown", "PortScan"]


def test_without_a_given_label_all_are_met(tmp_path: Path) -> None:
    given = words("Benign", "C&C", "Benign", "Unknown", "C&C")
    assert corrected(tmp_path, ("x", "", "", "", "", "", "", "Unknown", 5, ""), given) == ["Unknown"] * 5


@pytest.mark.parametrize("expected", [0, 3, 5])
def test_another_number_than_said_is_an_error(tmp_path: Path, expected: int) -> None:
    with pytest.raises(RecipeError) as refused:
        corrected(tmp_path, ("x", "", "", "23", "", "", "Benign", "PortScan", expected, ""))
    message = str(refused.value)
    assert f"line 2 (Benign to PortScan) meets 4 connections, expected {expected}" in message
    assert "x.conn.log" in message


def test_a_class_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="'Portscan'") as refused:
        corrected(tmp_path, ("x", "", "", "53", "", "", "Benign", "Portscan", 1, ""))
    assert "PortScan" in str(refused.value)


def test_a_column_missing(tmp_path: Path) -> None:
    path = write_table(tmp_path / "c.csv", COLUMNS[:-2], [("x", "", "", "", "", "", "Benign", "C&C")])
    with pytest.raises(RecipeError, match=r"c\.csv: lacks the column 'connections'"):
        load_corrections(path)


@pytest.mark.parametrize("count", ["many", ""])
def test_a_number_that_is_none(tmp_path: Path, count: str) -> None:
    path = write_table(tmp_path / "c.csv", COLUMNS, [("x", "", "", "", "", "", "", "C&C", count, "")])
    with pytest.raises(RecipeError, match=r"c\.csv line 2: connections is .*, expected a number"):
        load_corrections(path)


def test_a_row_that_ends_early(tmp_path: Path) -> None:
    path = write_table(tmp_path / "c.csv", COLUMNS, [("x", "", "")])
    with pytest.raises(RecipeError, match=r"c\.csv line 2"):
        load_corrections(path)


def test_a_table_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        load_corrections(tmp_path / "nope.csv")
