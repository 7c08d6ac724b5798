"""What Spark gives up is told in a line; a fault in our code keeps its traceback."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zeekml.config import parse_settings
from zeekml.errors import ModelError, OutputError
from zeekml.pipeline.progress import Silent
from zeekml.scoring import Bundle
from zeekml.spark import SparkOptions, score_on_spark
from zeekml.spark.failures import reason
from zeekml.spark.model import ShippedModel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = parse_settings("", "test")
JOB = "An error occurred while calling z:PythonRDD.runJob.\n: org.apache.spark.SparkException: Job aborted: "
LOST = (
    "Task 3 in stage 1.0 failed 4 times, most recent failure: Lost task 3.3 in stage 1.0 (TID 7) (10.1.2.3 "
)
RAISED = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    f()\n    ^^^\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[PATH_ALREADY_EXISTS] Path file:/x already exists.",
         "Spark says: [PATH_ALREADY_EXISTS] Path file:/x already exists"),
        ("An error occurred while calling o1.parquet.\n: java.lang.RuntimeException: java.lang.ClassNotFoundException: "
         "Class a.b.C not found\n\tat a.b\n", "Spark says: Class a.b.C not found"),
        (f"{JOB}{LOST}executor driver): org.apache.spark.SparkException: Python worker exited unexpectedly (crashed). "
         "Consider setting 'x'\n\tat a\nCaused by: java.io.EOFException\n",
         "Spark says: Python worker exited unexpectedly (crashed)"),
        (f"{JOB}{LOST}executor 3): ExecutorLostFailure (executor 3 exited) Reason: Command exited with code 137\n",
         "Spark says: ExecutorLostFailure (executor 3 exited) Reason: Command exited with code 137"),
        (f"A worker:\n{RAISED}OSError: [Errno 28] No space left on device: '/x'\n",
         "[Errno 28] No space left on device: '/x'"),
        (f"{RAISED}KeyError: 1\n\nThe above exception was the direct cause of this:\n\n{RAISED}MemoryError\n",
         "MemoryError"),
        (f"{RAISED}zeekml.errors.ModelError: x: broken: y\n\n", "x: broken: y"),
        (f"{RAISED}ValueError: [Errno 28]\n", None),
        (f"{RAISED}OSError: no\n\nDuring handling:\n\n{RAISED}zeekml.sinks.Odd: x\n", None),
        ("", "Spark does not say why"),
    ],
)  # fmt: skip
def test_the_line_that_says_why(text: str, why: str | None) -> None:
    assert reason(text) == why


@dataclass(frozen=True)
class Broken(ShippedModel):
    """Fails in every worker, in its way; the driver loads it as well, and goes on."""

    driver: int
    way: str

    def load(self) -> Bundle:
        if os.getpid() != self.driver:
            if self.way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.way == "told":
                raise ModelError("no such model here")
            raise ValueError("a fault of ours")
        return super().load()


@pytest.mark.parametrize(
    ("way", "raised", "said"),
    [
        ("killed", OutputError, "Spark gave the run up: Spark says: Python worker exited unexpectedly"),
        ("told", OutputError, "Spark gave the run up: no such model here; "),
        ("a fault", Exception, "Traceback"),
    ],
)
def test_a_run_that_is_given_up_leaves_nothing(
    spark: SparkSession,
    made_log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    raised: type[Exception],
    said: str,
) -> None:
    model = ShippedModel.of(SETTINGS.score.model)
    broken = Broken(model.name, model.files, model.key, os.getpid(), way)
    monkeypatch.setattr(ShippedModel, "of", lambda _name: broken)
    with pytest.raises(raised, match=said) as found:
        score_on_spark([str(made_log)], str(tmp_path / "out"), SETTINGS, SparkOptions(), Silent(StringIO()))
    assert isinstance(found.value, OutputError) == (raised is OutputError)
    assert not list(tmp_path.rglob("*.log"))


def test_where_tables_cannot_be_written_is_said(spark: SparkSession, made_log: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = f"file://{tmp_path}/file/tables"
    options = SparkOptions(parquet=True)
    with pytest.raises(
        OutputError, match=r"tables/zeekml cannot be written: .* not a directory.*; name a new folder"
    ):
        score_on_spark([str(made_log)], out, SETTINGS, options, Silent(StringIO()))
