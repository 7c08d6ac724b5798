"""Whole logs in memory, for notebooks; the drivers read batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from zeekml.errors import InputError
from zeekml.records.discover import Stream, discover
from zeekml.records.reader import read_batches
from zeekml.records.rejects import Rejects
from zeekml.records.to_pandas import to_frame


@dataclass(frozen=True, slots=True)
class Log:
    """A log and its rotated files. ``stream`` names it; ``frame`` (N rows) has its connections in log order, with
    Zeek's column names and an index from 0; ``rejected`` lines could not be read and are left out."""

    stream: str
    frame: pd.DataFrame
    rejected: int


def read_logs(*paths: str | Path, extra: bool = False) -> list[Log]:
    """Read all connection logs among ``paths`` (files, globs, folders), one `Log` for each sensor's log.

    Rotated files are joined with the log that they continue. Times are seconds since 1970 (float64), ports int32, bytes
    and packets float64 (NaN: unset), texts categories. ``extra`` adds the logs' further columns, such as ``label``.
    Raises InputError where a path does not exist or holds no connection log, or a log cannot be read.
    """
    found = discover([str(path) for path in paths])
    if found.problems:
        raise found.problems[0]
    if not found.streams:
        raise InputError(
            f"{', '.join(map(str, paths)) or 'no path'}: found no connection log, expected a conn.log or eve.json; "
            "name the files, or the folder that holds them"
        )
    return [_log(stream, extra=extra) for stream in found.streams]


def _log(stream: Stream, *, extra: bool) -> Log:
    rejects = Rejects()
    frames = [
        batch.frame
        for file in stream.files
        for batch in read_batches(file, stream.name, rejects=rejects, extra=extra)
    ]
    return Log(stream.name, join(frames or [to_frame(pa.table({}))]), rejects.total)


def join(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames of the batch schema together, keeping categories, which pandas.concat makes text.

    A column that only some of them have is unset in the others.
    """
    if len(frames) == 1:
        return frames[0]
    names = dict.fromkeys(name for frame in frames for name in frame.columns)
    columns = {}
    for name in names:
        parts = [frame[name] if name in frame else _nothing(len(frame)) for frame in frames]
        if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
            columns[name] = pd.Series(pd.api.types.union_categoricals(parts))
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def _nothing(length: int) -> pd.Series[Any]:
    return pd.Series(pd.Categorical([np.nan] * length, categories=pd.Index([], dtype="str")))
