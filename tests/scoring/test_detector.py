"""The Detector: batch frames, zat's frames as they are, and what is wrong with others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.builders import frame_of, one, random_log, row
from tests.made import LOGS
from zeekml import Detector, FormatError, MissingColumnError
from zeekml.records import REQUIRED, Rejects, discover, read_batches
from zeekml.records.schema import COLUMNS
from zeekml.scoring import Bundle, Scorer
from zeekml.scoring.columns import as_batch


@pytest.fixture(scope="module")
def detector(bundle: Bundle) -> Detector:
    return Detector(bundle)


def read(path: Path) -> pd.DataFrame:
    """A log through our own reader."""
    stream = discover([str(path)]).streams[0]
    return pd.concat(
        [batch.frame for batch in read_batches(stream.files[0], stream.name, rejects=Rejects())],
        ignore_index=True,
    )


def zat_frame(path: Path) -> pd.DataFrame:
    """A log through zat."""
    from zat.log_to_dataframe import LogToDataFrame

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame: pd.DataFrame = LogToDataFrame().create_dataframe(str(path))
    return frame


def test_a_batch_frame(detector: Detector) -> None:
    frame = random_log(0, 120)
    verdicts = detector.score(frame)
    scores = Scorer(detector.bundle).score(frame, "x")
    assert list(verdicts.columns) == ["score", "class", "class_score"]
    np.testing.assert_allclose(verdicts["score"], scores.score, atol=1e-6)
    np.testing.assert_allclose(verdicts["class_score"], scores.class_score, atol=1e-6)
    assert verdicts["class"].tolist() == [detector.bundle.classes[i] for i in scores.class_index]
    assert "Benign" not in set(verdicts["class"])


def test_reasons_if_asked_for(detector: Detector) -> None:
    verdicts = detector.score(random_log(0, 40), reasons=True)
    assert all(isinstance(text, str) for text in verdicts["reasons"])
    assert verdicts["reasons"].str.len().gt(0).any()


def test_every_call_begins_anew(detector: Detector) -> None:
    frame = random_log(0, 60)
    pd.testing.assert_frame_equal(detector.score(frame), detector.score(frame))


@pytest.mark.parametrize("name", ["zeek7.conn.log", "labelled.conn.log"])
def test_zats_frame_as_it_is(detector: Detector, name: str) -> None:
    frame = zat_frame(LOGS / name)
    before = frame.copy(deep=True)
    verdicts = detector.score(frame)
    expected = detector.score(read(LOGS / name))
    np.testing.assert_allclose(verdicts["score"], expected["score"], atol=1e-4)
    np.testing.assert_allclose(verdicts["class_score"], expected["class_score"], atol=1e-4)
    assert verdicts["class"].tolist() == expected["class"].tolist()
    pd.testing.assert_index_equal(verdicts.index, frame.index)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.index.name == "ts"


def test_zats_frame_becomes_ours_column_by_column() -> None:
    mine, theirs = read(LOGS / "zeek7.conn.log"), as_batch(zat_frame(LOGS / "zeek7.conn.log"))
    assert list(mine.columns) == list(theirs.columns)
    for column in COLUMNS:
        a, b = mine[column.name], theirs[column.name]
        if column.kind in {"time", "number"}:
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-6, err_msg=column.name)
        elif column.kind == "bool":
            assert a.equals(b), column.name
        else:
            assert a.astype("str").equals(b.astype("str")), column.name


def test_a_sample_of_zats_frame_keeps_its_index(detector: Detector) -> None:
    frame = zat_frame(LOGS / "zeek7.conn.log")
    worst = frame[frame["proto"] == "tcp"]
    pd.testing.assert_index_equal(detector.score(worst).index, worst.index)


@pytest.mark.parametrize(
    "index", [pd.RangeIndex(10, 40), pd.Index([5] * 30), pd.Index([f"r{i}" for i in range(30)])]
)
def test_any_index(detector: Detector, index: pd.Index) -> None:
    frame = random_log(0, 30)
    given = frame.set_axis(index)
    verdicts = detector.score(given)
    pd.testing.assert_index_equal(verdicts.index, index)
    np.testing.assert_array_equal(verdicts["score"], detector.score(frame)["score"])


def test_the_original_is_not_changed(detector: Detector) -> None:
    frame = random_log(0, 40)
    before = frame.copy(deep=True)
    detector.score(frame, reasons=True)
    pd.testing.assert_frame_equal(frame, before)


def test_columns_of_text_are_understood(detector: Detector) -> None:
    """As pandas reads a TSV by itself: text, with marks for what is unset."""
    frame = frame_of([row(), row(duration=None, service=None, local_orig=None, orig_bytes=None)])
    text = frame.astype(object).where(frame.notna(), "-")
    text["local_resp"] = "F"
    text["local_orig"] = ["T", "-"]
    for name in ("ts", "duration", "orig_bytes"):
        text[name] = text[name].map(str)
    pd.testing.assert_frame_equal(detector.score(text), detector.score(frame))


def test_datetimes_with_a_time_zone(detector: Detector) -> None:
    frame = random_log(0, 20)
    given = frame.assign(
        ts=pd.to_datetime(frame["ts"], unit="s", utc=True).dt.tz_convert("Asia/Tokyo"),
        duration=pd.to_timedelta(frame["duration"], unit="s"),
    )
    np.testing.assert_allclose(detector.score(given)["score"], detector.score(frame)["score"], atol=1e-4)


def test_optional_columns_may_be_absent(detector: Detector) -> None:
    bare = random_log(0, 20)[list(REQUIRED)]
    assert len(detector.score(bare)) == 20


def test_protocols_in_capitals_are_the_same(detector: Detector) -> None:
    frame = random_log(0, 30)
    capitals = frame.assign(proto=frame["proto"].astype("str").str.upper())
    pd.testing.assert_frame_equal(detector.score(capitals), detector.score(frame))


def test_an_empty_frame(detector: Detector) -> None:
    verdicts = detector.score(random_log(0, 5).iloc[:0], reasons=True)
    assert len(verdicts) == 0
    assert list(verdicts.columns) == ["score", "class", "class_score", "reasons"]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_column_that_is_absent_is_named(detector: Detector, name: str) -> None:
    with pytest.raises(MissingColumnError, match=f"lacks the column '{name}'"):
        detector.score(one().drop(columns=name))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("id.orig_p", "http", "column 'id.orig_p', row 0: found 'http', expected a port"),
        ("id.orig_p", 443.5, "column 'id.orig_p', row 0: found 443.5, expected a port"),
        ("id.orig_p", np.nan, "column 'id.orig_p', row 0: is unset"),
        ("id.orig_p", 1e12, "column 'id.orig_p', row 0: found 1e+12, expected a port"),
        ("id.orig_p", True, "column 'id.orig_p': found values of dtype bool, expected a port"),
        (
            "ts",
            "yesterday",
            "column 'ts', row 0: found 'yesterday', expected a time from 1970 to 2200, in seconds",
        ),
        ("ts", 1.7e12, "column 'ts', row 0: found 1.7e+12, expected a time"),
        ("ts", [("a", 1)], "column 'ts', row 0: found ('a', 1), expected a time"),
        ("duration", pd.Timestamp("2023-11-14"), "column 'duration': found values of dtype datetime64"),
        ("orig_bytes", pd.Timedelta("1s"), "column 'orig_bytes': found values of dtype timedelta64"),
        (
            "id.resp_h",
            3_221_225_985,
            "column 'id.resp_h', row 0: found 3221225985, expected text; write it as",
        ),
        ("id.resp_h", b"192.0.2.1", "column 'id.resp_h', row 0: found b'192.0.2.1', expected text"),
        ("proto", 6, "column 'proto', row 0: found 6, expected text; write it as Zeek does, such as 'tcp'"),
        (
            "local_orig",
            "yes",
            "column 'local_orig', row 0: found 'yes', expected a truth value; write T or F",
        ),
        ("ts", np.nan, "column 'ts', row 0: is unset"),
        ("ts", -5.0, "column 'ts', row 0: found -5, expected a time"),
        ("id.resp_p", 70_000, "column 'id.resp_p', row 0: found 70000, expected a port"),
        ("id.resp_p", -1, "column 'id.resp_p', row 0"),
        ("id.orig_h", "-", "column 'id.orig_h', row 0: is unset"),
        ("proto", None, "column 'proto', row 0: is unset"),
        ("orig_bytes", -7.0, "column 'orig_bytes', row 0: found -7, expected a number of zero or more"),
        ("duration", -0.5, "column 'duration', row 0"),
        ("resp_pkts", np.inf, "column 'resp_pkts', row 0"),
    ],
)
def test_values_that_cannot_be_understood(detector: Detector, name: str, value: Any, expected: str) -> None:
    with pytest.raises(FormatError) as refused:
        detector.score(one().assign(**{name: value if not isinstance(value, list) else pd.Series(value)}))
    assert expected in str(refused.value)


def test_enormous_numbers_are_scored(detector: Detector) -> None:
    """What a reader lets through must not overflow."""
    assert (
        detector.score(one(orig_bytes=1e300, orig_ip_bytes=1e300, resp_ip_bytes=1e300, duration=1e300))[
            "score"
        ]
        .between(0, 1)
        .all()
    )
