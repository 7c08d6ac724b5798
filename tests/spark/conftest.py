"""One Spark session for all tests of Spark: starting it takes longer than most of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark on two processors of this machine, on loopback only; a task that fails is tried four times."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed: apt install openjdk-17-jre-headless")
    from tests.spark.store import write_plugin
    from zeekml.spark.session import spark_session

    with pytest.MonkeyPatch.context() as patch:
        # The executors' Python reads it when it starts: they are to find the tests' own classes, and their store.
        site = write_plugin(tmp_path_factory.mktemp("site"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(site), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("SPARK_LOCAL_DIRS", str(tmp_path_factory.mktemp("spark")))
        with spark_session("local[2,4]") as session:
            yield session


@pytest.fixture(scope="session")
def logs(made_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs of four streams; see ``tests.spark.archive``."""
    from tests.spark.archive import write_archive

    return write_archive(tmp_path_factory.mktemp("archive"), made_log)
