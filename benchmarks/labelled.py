"""Labelled logs as their table of groups names them, read whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from zeekml.records import Rejects, discover, join, read_batches


def logs_of(data: Path) -> Iterator[tuple[Path, str]]:
    """Every log that ``groups.csv`` names, in its order, with its group."""
    with (data / "groups.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield data / row["file"], row["group"]


def whole(path: Path) -> tuple[pd.DataFrame, str]:
    """A whole log as one frame of the batch schema, and the name of its stream."""
    (stream,) = discover([str(path)]).streams
    batches = read_batches(stream.files[0], stream.name, rejects=Rejects())
    return join([batch.frame for batch in batches]), stream.name
