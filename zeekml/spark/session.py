"""The Spark session of a run: what it needs, how it is set, and how its absence is told."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from zeekml.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DEFAULT_MASTER: Final = "local[*,4]"
"""All processors of this machine, each task tried four times."""

_MOST_BYTES: Final = 16 << 20
"""Bytes that Spark hands to a Python worker at once."""


@contextmanager
def spark_session(master: str) -> Iterator[SparkSession]:
    """A session on ``master``, ended afterwards; one that is there already, as within spark-submit, is used and left.

    Raises ConfigError when pyspark or Java is not installed, or the master cannot be used.
    """
    check_installed()
    _leave_pandas_out()
    from pyspark.errors import PySparkException  # noqa: PLC0415  an extra, and heavy
    from pyspark.sql import SparkSession  # noqa: PLC0415

    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    if master.startswith("local"):
        # On this machine, the executors' Python is this one, with all that is installed for it.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master(master).appName("zeekml")
    for name, value in _settings(master).items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise ConfigError(
            f"--master {master}: Spark does not start: {str(error).strip() or type(error).__name__}; name a master "
            "such as local[*,4], spark://host:7077 or yarn"
        ) from error
    try:
        yield spark
    finally:
        spark.stop()


def check_installed() -> None:
    """ConfigError that says what is missing and how to get it."""
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError("Spark needs pyspark, not installed here: pip install 'zeekml[spark]'")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").is_file()):
        raise ConfigError(
            "Spark needs Java 17 or newer, not found here: apt install openjdk-17-jre-headless, or set JAVA_HOME"
        )


def prepare(spark: SparkSession) -> None:
    """Set what the work needs, in any session: rows that hold much go to Python few at a time."""
    _leave_pandas_out()
    spark.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", str(_MOST_BYTES))


def _leave_pandas_out() -> None:
    """Spark warns of pandas in every call that could go through it; what is used here hands over Arrow batches."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)


def _settings(master: str) -> dict[str, str]:
    """Settings of a session of our own; those of spark-defaults.conf and spark-submit hold beside them."""
    common = {
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "false",
        # A busy machine may need longer to start a Python process than the 15 s that Spark gives it.
        "spark.python.authenticate.socketTimeout": "120s",
    }
    if not master.startswith("local"):
        return common
    # Nothing listens but on loopback.
    return common | {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
