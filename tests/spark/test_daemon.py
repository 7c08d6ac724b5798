"""Spark's Python workers take what is installed and not the archives that Spark brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zeekml.spark.daemon import behind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_only_the_archives_of_spark_come_last() -> None:
    spark = ["/opt/spark/python/lib/pyspark.zip", "/opt/spark/python/lib/py4j-0.10.9.9-src.zip"]
    others = ["", "/usr/lib/python311.zip", "/opt/jobs/of-a-user.zip", "/usr/lib/python3.11/site-packages"]
    assert behind([others[0], *spark, *others[1:]]) == [*others, *spark]


def test_workers_run_the_pyspark_that_is_installed(spark: SparkSession) -> None:
    import pyspark

    def where(_number: int) -> list[str]:
        import sys

        return [str(sys.modules[name].__file__) for name in ("pyspark", "pyspark.daemon", "py4j")]

    found = spark.sparkContext.parallelize([0], 1).map(where).collect()[0]
    assert found[0] == pyspark.__file__
    assert not [path for path in found if ".zip" in path]
