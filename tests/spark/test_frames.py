"""DataFrames scored by Spark: the verdicts of a log that is read whole, however its rows lie in the frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from zeekml import FormatError, MissingColumnError
from zeekml.alerts import AlertEngine, Explained
from zeekml.alerts.message import facts
from zeekml.config import Settings
from zeekml.health import SensorHealth
from zeekml.pipeline.batch import alert_policy
from zeekml.records import LogFile, Rejects, read_batches
from zeekml.scoring import Scorer, load_bundle
from zeekml.spark import score_frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Making a frame from a table warns of pandas, through which it does not go.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")


@pytest.fixture(scope="module")
def log(logs: Path) -> pd.DataFrame:
    """The connections of the rotated part whose sensor sees bad checksums."""
    path = logs / "sensor-a" / "conn.2026-01-01-01-00-00.log"
    (batch,) = read_batches(LogFile(path, "x"), "frame", rejects=Rejects())
    return batch.frame


def plain_verdicts(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[tuple[str, str], str]]:
    """What scoring, alerting and the look at the sensor say; notices by uid and note, with their ``sub``."""
    bundle = load_bundle(Settings().score.model)
    scorer = Scorer(bundle)
    scores = scorer.score(frame, "frame")
    marks = SensorHealth().process(frame, "frame")
    engine = AlertEngine(alert_policy(Settings(), bundle), bundle.classes)
    alerts = engine.process(frame, scores, "frame").marked(marks.at)
    rows = alerts.rows_to_explain(np.arange(len(frame)))
    explained = Explained(rows, scorer.reasons(scores, rows))
    notices = {
        (frame["uid"].iloc[notice.row], notice.note): facts(
            notice, model=bundle.name, reasons=explained.of(notice.row)
        )
        for notice in alerts.notices
    }
    verdicts = pd.DataFrame(
        {
            "score": scores.score,
            "class": [bundle.classes[index] for index in scores.class_index],
            "reasons": [explained.of(row) if alerts.above[row] else "" for row in range(len(frame))],
        },
        index=frame["uid"].to_numpy(),
    )
    return verdicts, notices


def same(found: list[Any], frame: pd.DataFrame, *, marked: bool = True) -> None:
    """``marked``: whether the frame is of a sensor that sees bad checksums."""
    verdicts, notices = plain_verdicts(frame)
    assert len(found) == len(frame)
    assert {row["uid"] for row in found} == set(verdicts.index)
    for row in found:
        wanted = verdicts.loc[row["uid"]]
        assert row["score"] == pytest.approx(wanted["score"], abs=1e-4)
        assert row["class"] == wanted["class"]
        assert row["reasons"] == (wanted["reasons"] or None)
    told = {(row["uid"], each["note"]): each["sub"] for row in found for each in row["notices"]}
    assert told == notices
    assert notices
    assert any("sensor=bad-checksums" in sub for sub in notices.values()) == marked


def arrow(frame: pd.DataFrame, **more: Any) -> pa.Table:
    return pa.Table.from_pandas(frame.assign(**more), preserve_index=False)


def test_rows_with_lines_in_any_order(spark: SparkSession, log: pd.DataFrame) -> None:
    table = arrow(log, stream="frame", line=np.arange(len(log)) + 9)
    shuffled = table.take(np.random.default_rng(1).permutation(len(log)))
    found = score_frame(spark.createDataFrame(shuffled), places=2).collect()
    same(found, log)
    assert {row["stream"] for row in found} == {"frame"}
    assert [row["uid"] for row in sorted(found, key=lambda row: row["line"])] == log["uid"].tolist()


def test_without_lines_connections_are_in_the_order_of_their_ends(
    spark: SparkSession, log: pd.DataFrame, tmp_path: Path
) -> None:
    """And times are timestamps, from a Parquet file."""
    ends = log["ts"] + log["duration"].fillna(0.0)
    ordered = (
        log.assign(end=ends).sort_values(["end", "ts", "uid"]).drop(columns="end").reset_index(drop=True)
    )
    times = pd.to_datetime((ordered["ts"] * 1e6).round().astype("int64"), unit="us", utc=True)
    pa.parquet.write_table(
        arrow(ordered.assign(ts=times)).take(np.random.default_rng(2).permutation(len(log))),
        tmp_path / "conn.parquet",
    )
    found = score_frame(spark.read.parquet(str(tmp_path / "conn.parquet")), places=2).collect()
    same(found, ordered)
    assert "stream" not in found[0].asDict()


def test_streams_that_share_hosts_are_scored_each_for_itself(spark: SparkSession, log: pd.DataFrame) -> None:
    """Nor does one sensor's health mark another's notices. Two of them even name the same connections."""
    healthy = log.assign(history=log["history"].str.replace("C", "", regex=False), uid="H" + log["uid"])
    streams = {"all": log, "later": log.iloc[1500:].reset_index(drop=True), "healthy": healthy}
    rows = pd.concat([each.assign(stream=name, line=range(len(each))) for name, each in streams.items()])
    shuffled = arrow(rows).take(np.random.default_rng(3).permutation(len(rows)))
    found = score_frame(spark.createDataFrame(shuffled), places=2).collect()
    assert len(found) == len(rows)
    for name, frame in streams.items():
        same([row for row in found if row["stream"] == name], frame, marked=name != "healthy")
    scores = {(row["stream"], row["uid"]): row["score"] for row in found}
    assert any(abs(scores["all", uid] - scores["later", uid]) > 0.1 for uid in streams["later"]["uid"]), (
        "what went before counts"
    )


def test_a_frame_that_is_no_connection_log_is_refused(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnError, match=r"lacks the column 'id\.orig_h'"):
        score_frame(spark.createDataFrame(pa.table({"ts": [1.0]})))
    row = {"ts": 1.0, "id.orig_h": "a", "id.orig_p": 1, "id.resp_h": "b", "id.resp_p": 2, "proto": "tcp",
           "conn_state": "SF"}  # fmt: skip
    with pytest.raises(FormatError, match="neither a column 'uid' nor 'line'"):
        score_frame(spark.createDataFrame(pa.Table.from_pylist([row])))
