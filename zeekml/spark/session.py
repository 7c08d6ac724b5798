"""The Spark session of a run: what it needs, how it is set, and how its absence is told."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from zeekml.errors import ConfigError

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

DEFAULT_MASTER: Final = "local[*,4]"
"""All processors of this machine, each task tried four times."""

_JAVA: Final = "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC"
"""On this machine Java only moves bytes: to compile for more than that costs more than the run. Options of one's own,
``spark.driver.extraJavaOptions``, come after these."""
_BUFFER: Final = 1 << 20
"""Bytes that Java and Python hand to each other at once."""
_MOST_BYTES: Final = 16 << 20
"""Bytes that Spark hands to a Python worker at once."""


@contextmanager
def spark_context(master: str) -> Iterator[SparkContext]:
    """Spark on ``master``, ended afterwards; what is there already, as within spark-submit, is used and left.

    Raises ConfigError when pyspark or Java is not installed, or the master cannot be used.
    """
    check_installed()
    _leave_pandas_out()
    from py4j.protocol import Py4JError  # noqa: PLC0415  an extra, and heavy
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415

    running = SparkContext._active_spark_context
    if running is not None:
        yield running
        return
    if master.startswith("local"):
        # On this machine, the executors' Python is this one, with all that is installed for it.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    _load_beside("pyspark.testing.utils")
    conf = SparkConf().setMaster(master).setAppName("zeekml").setAll(list(_settings(master).items()))
    try:
        spark = SparkContext.getOrCreate(conf)
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"--master {master}: Spark does not start: {str(error).strip() or type(error).__name__}; name a master "
            "such as local[*,4], spark://host:7077 or yarn"
        ) from error
    try:
        yield spark
    finally:
        try:
            spark.stop()
        except (Py4JError, OSError):  # Java has ended already; what Python keeps of it goes the second time
            spark.stop()


def master_in_use(master: str) -> str:
    """Where Spark runs: as within spark-submit, if it does already, else on ``master``."""
    check_installed()
    from pyspark import SparkContext  # noqa: PLC0415  an extra, and heavy

    running = SparkContext._active_spark_context
    return master if running is None or running.master is None else running.master


def _load_beside(module: str) -> None:
    """Load a module in a thread. pyspark asks this one, which brings pandas, before it hands anything to Java: half a
    second in which Java could start."""

    def load() -> None:
        with suppress(ImportError, ValueError):  # whoever needs it will say so
            importlib.import_module(module)

    threading.Thread(target=load, daemon=True).start()


@contextmanager
def spark_session(master: str) -> Iterator[SparkSession]:
    """As `spark_context`, with a session on it."""
    with spark_context(master) as context:
        from pyspark.sql import SparkSession  # noqa: PLC0415  an extra, and heavy

        yield SparkSession(context)


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
        "spark.log.level": "FATAL",  # what ends a run is told in a line; of tasks that are tried again nothing is wrong
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "false",
        # A busy machine may need longer to start a Python process than the 15 s that Spark gives it.
        "spark.python.authenticate.socketTimeout": "120s",
    }
    if not master.startswith("local"):
        return common
    # Nothing listens but on loopback. What is shuffled stays on this machine: packing it takes longer than keeping it.
    return common | {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.defaultJavaOptions": _JAVA,
        "spark.python.daemon.module": "zeekml.spark.daemon",
        "spark.shuffle.compress": "false",
        "spark.buffer.size": str(_BUFFER),
    }
