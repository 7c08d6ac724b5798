"""Frames of every kind give the same verdicts, in a frame of their kind, and are refused for the same reasons."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import frame_of, logs, one, random_log, row
from tests.made import LOGS
from tests.scoring.test_detector import read, zat_frame
from zeekml import Detector, FormatError, MissingColumnError
from zeekml.records import REQUIRED
from zeekml.scoring import Bundle
from zeekml.scoring.columns import as_batch
from zeekml.scoring.frames import batch_of

Make = Callable[[pd.DataFrame], Any]
_SMALL = pa.int16()


def made(seed: int, rows: int) -> pd.DataFrame:
    """A random log with times in whole microseconds, as Zeek has them."""
    frame = random_log(seed, rows)
    return frame.assign(ts=frame["ts"].round(6), duration=frame["duration"].round(6))


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """A batch frame as other programs hold it: text for categories, and missing values that Arrow knows."""
    return frame.astype({name: "str" for name in frame if frame[name].dtype == "category"})


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(plain(frame), preserve_index=False)


def to_polars(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(to_arrow(frame))


def dictionaries(frame: pd.DataFrame, index: pa.DataType = _SMALL) -> pa.Table:
    """Every text a dictionary."""
    table = to_arrow(frame)
    return pa.table(
        {
            name: column.cast(pa.dictionary(index, pa.large_string()))
            if pa.types.is_large_string(column.type)
            else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )


def chunked(frame: pd.DataFrame) -> pa.Table:
    """Chunks of 7 rows, one of none among them, each with dictionaries of its own."""
    parts = [dictionaries(frame.iloc[at : at + 7]) for at in range(0, len(frame), 7)]
    return pa.concat_tables([*parts[:1], *(part.slice(0, 0) for part in parts[:1]), *parts[1:]])


def as_datetimes(frame: pd.DataFrame, zone: str | None = "Asia/Tokyo") -> pd.DataFrame:
    micros = {name: (frame[name] * 1e6).round().astype("Int64") for name in ("ts", "duration")}
    moments = pd.to_datetime(micros["ts"], unit="us", utc=True).dt.tz_convert(zone)
    return frame.assign(ts=moments, duration=pd.to_timedelta(micros["duration"], unit="us"))


KINDS: dict[str, Make] = {
    "pandas": plain,
    "pandas, Arrow dtypes": lambda frame: to_arrow(frame).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, Arrow dictionaries": lambda frame: dictionaries(frame).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, objects": lambda frame: frame.astype(object).where(frame.notna(), None),
    "pandas, datetimes with a zone": as_datetimes,
    "pandas, datetimes as objects": lambda frame: as_datetimes(frame).astype(
        {"ts": object, "duration": object}
    ),
    "pandas, Arrow datetimes": lambda frame: to_arrow(as_datetimes(frame)).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "pandas, addresses": lambda frame: frame.assign(
        **{name: frame[name].astype("str").map(ip_address) for name in ("id.orig_h", "id.resp_h")}
    ),
    "arrow": to_arrow,
    "arrow, from a frame with categories": pa.Table.from_pandas,
    "arrow, chunks": chunked,
    "arrow, dictionaries": dictionaries,
    "arrow, unsigned dictionaries": lambda frame: dictionaries(frame, pa.uint64()),
    "arrow, ports in a dictionary": lambda frame: to_arrow(frame).set_column(
        5, "id.resp_p", pa.array(frame["id.resp_p"], pa.uint16()).dictionary_encode()
    ),
    "arrow, datetimes": lambda frame: to_arrow(as_datetimes(frame, None)),
    "arrow, datetimes with a zone": lambda frame: to_arrow(as_datetimes(frame)),
    "arrow, a record batch": lambda frame: to_arrow(frame).to_batches()[0],
    "arrow, a stream of batches": lambda frame: to_arrow(frame).to_reader(max_chunksize=5),
    "polars": to_polars,
    "polars, chunks": lambda frame: pl.concat([to_polars(frame[:9]), to_polars(frame[9:])], rechunk=False),
    "polars, categories": lambda frame: to_polars(frame).cast({pl.String: pl.Categorical}),
    "polars, an enumeration": lambda frame: to_polars(frame).cast(
        {"proto": pl.Enum(["udp", "icmp", "unknown_transport", "tcp"])}
    ),
    "polars, datetimes with a zone": lambda frame: to_polars(as_datetimes(frame)),
    "polars, datetimes": lambda frame: to_polars(as_datetimes(frame, None)),
    "polars, more columns": lambda frame: to_polars(frame).with_columns(
        pl.Series("note", [object()] * len(frame), dtype=pl.Object), id=pl.struct("id.orig_h", "id.orig_p")
    ),
}


@pytest.fixture(scope="module")
def detector(bundle: Bundle) -> Detector:
    return Detector(bundle)


def columns_of(verdicts: Any) -> dict[str, list[Any]]:
    """The columns of a frame of any kind as lists of Python values."""
    if isinstance(verdicts, pd.DataFrame):
        return {str(name): verdicts[name].tolist() for name in verdicts}
    columns: dict[str, list[Any]] = (
        verdicts.to_pydict() if isinstance(verdicts, pa.Table) else verdicts.to_dict(as_series=False)
    )
    return columns


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_verdicts(detector: Detector, kind: str) -> None:
    frame = made(3, 150)
    expected = columns_of(detector.score(frame, reasons=True))
    found = columns_of(detector.score(KINDS[kind](frame), reasons=True))
    assert list(found) == ["score", "class", "class_score", "reasons"]
    assert found == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_the_same_batch(kind: str) -> None:
    frame = made(4, 60)
    pd.testing.assert_frame_equal(batch_of(KINDS[kind](frame)), as_batch(frame))


@given(logs(), st.sampled_from(["arrow, chunks", "polars", "polars, categories", "arrow, dictionaries"]))
def test_any_log_becomes_the_same_batch(frame: pd.DataFrame, kind: str) -> None:
    pd.testing.assert_frame_equal(batch_of(KINDS[kind](frame)), as_batch(frame))


@pytest.mark.parametrize("name", ["zeek7.conn.log", "labelled.conn.log"])
def test_zats_frame_in_every_kind(detector: Detector, name: str) -> None:
    theirs = zat_frame(LOGS / name)
    expected = columns_of(detector.score(theirs))
    assert columns_of(detector.score(pa.Table.from_pandas(theirs))) == expected
    assert columns_of(detector.score(pl.from_pandas(theirs, include_index=True))) == expected
    ours = columns_of(detector.score(to_polars(read(LOGS / name))))
    np.testing.assert_allclose(ours["score"], expected["score"], atol=1e-4)
    assert ours["class"] == expected["class"]


def test_a_json_log_read_by_polars(detector: Detector) -> None:
    theirs = pl.read_ndjson(LOGS / "epoch.conn.json", infer_schema_length=None)
    expected = detector.score(read(LOGS / "epoch.conn.json"))
    np.testing.assert_allclose(detector.score(theirs)["score"], expected["score"], atol=1e-6)


def test_a_frame_of_the_same_kind_comes_back(detector: Detector) -> None:
    frame, classes = random_log(0, 20), list(detector.bundle.classes)

    mine = detector.score(to_polars(frame), reasons=True)
    assert isinstance(mine, pl.DataFrame)
    assert mine.schema == {
        "score": pl.Float32,
        "class": pl.Enum(classes),
        "class_score": pl.Float32,
        "reasons": pl.String,
    }

    table = detector.score(to_arrow(frame), reasons=True)
    assert isinstance(table, pa.Table)
    assert table.schema.types == [
        pa.float32(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.float32(),
        pa.string(),
    ]
    assert table["class"].chunk(0).dictionary.to_pylist() == classes

    held = detector.score(plain(frame).set_axis([f"r{i}" for i in range(20)]), reasons=True)
    assert isinstance(held, pd.DataFrame)
    assert held.index[3] == "r3"
    assert held["class"].cat.categories.tolist() == classes
    assert held["reasons"].dtype == "str"


def test_verdicts_stand_beside_their_connections(detector: Detector) -> None:
    frame = random_log(0, 20)
    mine, table = to_polars(frame), to_arrow(frame)
    beside = pl.concat([mine, detector.score(mine)], how="horizontal")
    assert beside.columns == [*mine.columns, "score", "class", "class_score"]
    verdicts = detector.score(table)
    for name in verdicts.column_names:
        table = table.append_column(name, verdicts[name])
    assert table.num_rows == 20


@pytest.mark.parametrize("kind", [to_arrow, to_polars, KINDS["arrow, a stream of batches"]])
def test_the_original_is_not_changed(detector: Detector, kind: Make) -> None:
    frame = random_log(0, 20)
    given = kind(frame)
    detector.score(given)
    if not isinstance(given, pa.RecordBatchReader):  # a stream is read, and then at its end
        assert given.equals(kind(frame))


@pytest.mark.parametrize("kind", [plain, to_arrow, to_polars, dictionaries])
def test_empty_frames(detector: Detector, kind: Make) -> None:
    verdicts = detector.score(kind(random_log(0, 5).iloc[:0]), reasons=True)
    assert columns_of(verdicts) == {"score": [], "class": [], "class_score": [], "reasons": []}


def test_an_empty_table_of_nulls(detector: Detector) -> None:
    """As a program makes it that had nothing to infer types from."""
    assert detector.score(pa.table({name: pa.nulls(0) for name in REQUIRED})).num_rows == 0
    assert detector.score(pl.DataFrame({name: [] for name in REQUIRED})).height == 0


@pytest.mark.parametrize("kind", [to_arrow, to_polars])
def test_optional_columns_absent_or_all_null(detector: Detector, kind: Make) -> None:
    bare = random_log(0, 20)[list(REQUIRED)]
    expected = columns_of(detector.score(bare))
    assert columns_of(detector.score(kind(bare))) == expected
    nothing = {"service": None, "duration": None, "local_orig": None, "uid": None, "history": None}
    assert columns_of(detector.score(kind(bare.assign(**nothing)))) == expected


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("kind", [plain, to_arrow, to_polars])
def test_a_required_column_that_is_absent_is_named(detector: Detector, kind: Make, name: str) -> None:
    with pytest.raises(MissingColumnError, match=f"lacks the column '{name}', found .*uid"):
        detector.score(kind(one().drop(columns=name)))


@pytest.mark.parametrize("kind", [plain, to_arrow, to_polars])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ts": "yesterday"}, "column 'ts', row 1: found 'yesterday', expected a time from 1970 to 2200"),
        ({"ts": -5.0}, "column 'ts', row 1: found -5, expected a time"),
        ({"ts": None}, "column 'ts', row 1: is unset; leave such rows out"),
        ({"id.orig_p": 70_000}, "column 'id.orig_p', row 1: found 70000, expected a port from 0 to 65535"),
        ({"id.orig_h": None}, "column 'id.orig_h', row 1: is unset"),
        ({"proto": ""}, "column 'proto', row 1: is unset"),
        ({"orig_bytes": -1.0}, "column 'orig_bytes', row 1: found -1, expected a number of zero or more"),
        ({"local_orig": "perhaps"}, "column 'local_orig', row 1: found 'perhaps', expected a truth value"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value)),
)
def test_every_kind_is_refused_alike(
    detector: Detector, kind: Make, change: dict[str, object], expected: str
) -> None:
    good = plain(frame_of([row(), row()]))
    name, value = next(iter(change.items()))
    numbers = isinstance(value, int | float) or (value is None and name == "ts")
    column: Any = [good[name].iloc[0] if numbers or name != "ts" else "1700000000", value]
    if name == "local_orig":
        column = ["T", value]
    with pytest.raises(FormatError) as refused:
        detector.score(kind(good.assign(**{name: column})))
    assert expected in str(refused.value)


def test_what_a_column_of_another_type_is_told(detector: Detector) -> None:
    frame = to_polars(random_log(0, 5))
    with pytest.raises(FormatError, match=r"column 'id.resp_h', row 0: found 7, expected text"):
        detector.score(frame.with_columns(pl.lit(7).alias("id.resp_h")))
    with pytest.raises(FormatError, match="column 'orig_bytes': found values of dtype datetime64"):
        detector.score(frame.with_columns(pl.lit(0).cast(pl.Datetime).alias("orig_bytes")))
    with pytest.raises(FormatError, match=r"column 'ts', row 0: found datetime.date"):
        detector.score(frame.with_columns(pl.lit(0).cast(pl.Date).alias("ts")))
    with pytest.raises(FormatError, match=r"column 'id.orig_p', row 0: found array"):
        detector.score(frame.with_columns(pl.concat_list("id.orig_p")))


def test_a_name_that_is_there_twice(detector: Detector) -> None:
    frame, table = one(), to_arrow(one())
    with pytest.raises(FormatError, match="2 columns 'proto', expected one; leave out"):
        detector.score(pd.concat([frame, frame[["proto"]]], axis=1))
    with pytest.raises(FormatError, match="2 columns 'proto', expected one; leave out"):
        detector.score(table.append_column("proto", table["proto"]))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("conn.log", "found a builtins.str, expected a frame of connections"),
        ({"ts": [1.0]}, r"found a builtins.dict.*give its columns to pandas.DataFrame"),
        (None, "found a builtins.NoneType"),
        (np.zeros((2, 2)), "found a numpy.ndarray"),
        (pl.LazyFrame({"ts": [1.0]}), r"found a polars.*LazyFrame.*call its collect\(\) first"),
        (pl.Series("ts", [1.0]), r"found a polars.*Series that is no Arrow table .*give all columns"),
        (pa.chunked_array([[1.0]]), "found a pyarrow.lib.ChunkedArray that is no Arrow table"),
    ],
    ids=["text", "dictionary", "none", "array", "lazy", "series", "column"],
)
def test_what_is_no_frame(detector: Detector, given: Any, expected: str) -> None:
    with pytest.raises(FormatError, match=expected):
        detector.score(given)


def test_polars_is_imported_for_polars_frames_only(tiny_folder: Any) -> None:
    script = (
        "import sys, pyarrow\n"
        "sys.modules['polars'] = None  # as if it were not installed\n"
        "from tests.builders import random_log\n"
        "from zeekml import Detector\n"
        f"detector = Detector.load({str(tiny_folder)!r})\n"
        "frame = random_log(0, 20)\n"
        "assert len(detector.score(frame)) == detector.score(pyarrow.Table.from_pandas(frame)).num_rows\n"
        "print('scored')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "scored", done.stderr
