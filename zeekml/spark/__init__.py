"""Scores connections on Spark: raw logs by path, as ``zeekml score`` does, or DataFrames. Needs ``zeekml[spark]``."""

from zeekml.spark.batch import SparkOptions, score_on_spark
from zeekml.spark.frames import score_frame

__all__ = ["SparkOptions", "score_frame", "score_on_spark"]
