"""What Spark gives up is told in a line; a fault in our code keeps its traceback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
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
        (f"{JOB}{LOST}executor driver): a.PythonException: [X] Thrown: {RAISED}TypeError: no\n\n\tat a.b\n",
         None),
        (f"{JOB}{LOST}executor driver): a.PythonException: [X] Thrown: {RAISED}OSError: full\n\n\tat a.b\n",
         "full"),
        (f"{RAISED}numpy._core._exceptions._ArrayMemoryError: Unable to allocate\n", "Unable to allocate"),
        (f"{RAISED}TypeError: ours\n\nDuring handling of the above exception, another exception occurred:\n\n"
         f"{RAISED}OSError: tidying up\n", None),
        (f"{RAISED}OSError: full\n\nDuring handling of the above exception, another exception occurred:\n\n"
         f"{RAISED}MemoryError: both\n", "both"),
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
            if self.way == "no Java":
                daemon = Path(f"/proc/{os.getppid()}/stat").read_text(encoding="ascii")
                os.kill(int(daemon.rpartition(")")[2].split()[1]), signal.SIGKILL)  # whose parent is Java
                time.sleep(30)
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


ALONE = """
import os, sys
from pathlib import Path
from py4j.protocol import Py4JError
from tests.spark.test_failures import score_broken
from zeekml.errors import OutputError

for way in ("told", "a fault", "no Java"):
    try:
        score_broken(way, sys.argv[1], Path(sys.argv[2]))
    except (OutputError, Py4JError) as error:
        print(way, "|", type(error).__name__, "|", str(error).replace(chr(10), "/"))
"""


def score_broken(way: str, log: str, out: Path) -> None:
    """Score in a process of its own, which has no session of Spark but the one that the run makes."""
    model = ShippedModel.of(SETTINGS.score.model)
    broken = Broken(model.name, model.files, model.key, os.getpid(), way)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ShippedModel, "of", lambda _name: broken)
        score_on_spark([log], str(out), SETTINGS, SparkOptions(master="local[1,1]"), Silent(StringIO()))


def test_a_run_without_a_session_tells_the_same(made_log: Path, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed: apt install openjdk-17-jre-headless")
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_DIRS": str(tmp_path)}
    command = [sys.executable, "-c", ALONE, str(made_log), str(tmp_path / "out")]
    said = subprocess.run(command, env=variables, capture_output=True, text=True, check=True, timeout=240)
    told, fault, java = said.stdout.splitlines()
    assert told.startswith("told | OutputError | Spark gave the run up: no such model here; ")
    assert "| OutputError |" not in fault
    assert "ValueError: a fault of ours" in fault
    assert java.startswith(
        "no Java | OutputError | Spark gave the run up: Java has ended, or does not answer; "
    )
    assert not (tmp_path / "out").exists()


def test_where_tables_cannot_be_written_is_said(spark: SparkSession, made_log: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = f"file://{tmp_path}/file/tables"
    options = SparkOptions(parquet=True)
    with pytest.raises(
        OutputError, match=r"tables/zeekml cannot be written: .* not a directory.*; name a new folder"
    ):
        score_on_spark([str(made_log)], out, SETTINGS, options, Silent(StringIO()))
