r"""Our frame against the frame of zat's ``LogToDataFrame``, column by column, on real and made logs.

Where the two differ by design (docs/input.md has the same list):

1. zat makes ``ts`` the index, as datetime64[ns] by way of a float: right to a microsecond. Ours are epoch seconds.
2. ``duration`` is a timedelta there, seconds here. Counts are UInt64 there, float64 here; both have missing values.
3. ``local_orig`` and ``local_resp`` are the categories T and F there, truth values here.
4. Columns that IoT-23 joins by three spaces stay one column there; the frames' other columns are alike.
5. The mark ``(empty)`` stays text there; here it is the empty string.
6. Escapes (``\x2d``) stay as written there; here they are read back.
7. A ``#`` within a value ends the line there (it reads comments), so what follows it is missing.
8. Words such as ``NA`` and ``null`` are missing there, and a double quote opens a quoted field; here they are text.
9. A broken line ends the reading there; here it is rejected.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from zat.log_to_dataframe import LogToDataFrame

from tests.records.logs import connection, header, line, read, tsv
from zeekml.records import COLUMNS

# zat sets the index in place, which the pandas of today deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.set_index is deprecated")

REAL = (
    "iot23-34-1-mirai",
    "iot23-42-1-trojan",
    "ctu-windows-008",
    "campus-wifi-india",
    "isp-gateway-bromebrew",
)
EMPTY = "(empty)"
SCHEMA = [column.name for column in COLUMNS]


def zats(path: Path) -> pd.DataFrame:
    """zat's frame with ``ts`` as a column of epoch seconds."""
    frame: pd.DataFrame = LogToDataFrame().create_dataframe(str(path)).reset_index()
    # Whole microseconds: the nanoseconds below them are what is left of the float.
    nanoseconds = frame["ts"].astype("datetime64[ns]").astype("int64")
    frame["ts"] = (nanoseconds / 1000).round() / 1e6
    return frame


def compare(path: Path) -> None:
    """Assert that every column of the schema that zat has is the same, value by value."""
    ours, theirs = read(path, extra=True).frame, zats(path)
    assert len(ours) == len(theirs)
    for column in COLUMNS:
        name = column.name
        if name not in theirs:
            assert ours[name].isna().all(), name
            continue
        their = theirs[name]
        match column.kind:
            case "time" | "port":
                assert (ours[name].to_numpy() == their.to_numpy(dtype=np.float64)).all(), name
            case "number" if name == "duration":
                seconds = (their.dt.total_seconds() * 1e6).round() / 1e6
                pd.testing.assert_series_equal(ours[name], seconds, check_exact=False, rtol=0, atol=1.1e-6)
            case "number":
                pd.testing.assert_series_equal(ours[name], their.astype("float64"))
            case "bool":
                theirs_true = their.astype("str").map({"T": True, "F": False}).astype("boolean")
                pd.testing.assert_series_equal(ours[name], theirs_true, check_names=False)
            case _:
                same_text(ours[name], their)
    further = [name for name in ours.columns.difference(SCHEMA) if name in theirs]
    for name in further:
        if theirs[name].dtype == "category":
            same_text(ours[name], theirs[name])


def same_text(ours: pd.Series[str], theirs: pd.Series[str]) -> None:
    expected = theirs.astype("str").where(theirs.notna()).replace(EMPTY, "")  # difference 5
    pd.testing.assert_series_equal(ours.astype("str"), expected.astype("str"))


@pytest.mark.parametrize("name", REAL)
def test_real_logs(shared_data: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(gzip.decompress((shared_data / "zeek" / f"{name}.conn.log.labeled.gz").read_bytes()))
    compare(path)


def test_made_logs(tmp_path: Path, made_log: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_text(tsv(2000).replace("string", "time", 1))
    path.write_text(path.read_text().replace(*_types()))
    compare(path)
    compare(made_log)


def test_joined_columns_stay_one_there(tmp_path: Path) -> None:
    names = [column.name for column in COLUMNS] + ["tunnel_parents   label"]
    path = tmp_path / "conn.log"
    path.write_text(header(names) + line({names[-1]: "-   Benign"}, names))
    theirs = LogToDataFrame().create_dataframe(str(path), ts_index=False)
    assert theirs["tunnel_parents   label"].tolist() == ["-   Benign"]
    assert read(path, extra=True).frame["label"].tolist() == ["Benign"]


@pytest.mark.parametrize(
    ("service", "there", "here"),
    [
        (EMPTY, EMPTY, ""),
        (r"\x2d", r"\x2d", "-"),
        (r"a\x09b", r"a\x09b", "a\tb"),
        ("a#b", "a", "a#b"),
        ("NA", None, "NA"),
        ("null", None, "null"),
        ('"dns"', "dns", '"dns"'),
    ],
)
def test_text_that_is_read_otherwise_there(
    tmp_path: Path, service: str, there: str | None, here: str
) -> None:
    path = tmp_path / "conn.log"
    path.write_text(header() + line({"service": service}))
    theirs = LogToDataFrame().create_dataframe(str(path), ts_index=False)["service"]
    assert theirs.isna().all() if there is None else theirs.tolist() == [there]
    assert read(path).frame["service"].tolist() == [here]


def test_a_broken_line_ends_the_reading_there(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_text(tsv(3).replace("#close", line(connection(9)).rstrip("\n") + "\tone\ttoo\tmany\n#close"))
    with pytest.raises(pd.errors.ParserError):
        LogToDataFrame().create_dataframe(str(path))
    result = read(path)
    assert (len(result.frame), result.reasons) == (3, ["too many columns"])


def _types() -> tuple[str, str]:
    """The types line of the made logs as it stands after its first word, and with Zeek's own types."""
    kinds = {
        "time": "time",
        "string": "string",
        "port": "port",
        "label": "string",
        "bool": "bool",
        "number": "count",
    }
    zeeks = [kinds[column.kind] if column.name != "duration" else "interval" for column in COLUMNS]
    untyped = "\t".join(["time", *("string" for _ in COLUMNS[1:])])
    return untyped, "\t".join(zeeks)
