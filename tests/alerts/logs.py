"""Small batch frames and scores, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from zeekml.records.schema import COLUMNS
from zeekml.scoring.scores import Scores

CLASSES = ("Benign", "PortScan", "DDoS", "C&C")

_DEFAULTS: Mapping[str, object] = {
    "ts": 1_700_000_000.0,
    "uid": "CAbcdefgh12345678",
    "id.orig_h": "192.168.1.10",
    "id.orig_p": 40000,
    "id.resp_h": "198.51.100.7",
    "id.resp_p": 23,
    "proto": "tcp",
    "conn_state": "S0",
}
_DTYPES = {"time": "float64", "number": "float64", "port": "int32", "bool": "boolean", "string": "str"}


def frame_of(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """A batch frame with the dtypes that the readers give; columns not named take a default or are unset."""
    columns = {}
    for column in COLUMNS:
        values = [row.get(column.name, _DEFAULTS.get(column.name)) for row in rows]
        if column.kind == "label":
            columns[column.name] = pd.Series(values, dtype="str").astype("category")
        else:
            columns[column.name] = pd.Series(values, dtype=_DTYPES[column.kind])
    return pd.DataFrame(columns)


def scores_of(score: Sequence[float], class_index: Sequence[int] | None = None) -> Scores:
    """Scores of as many connections, of class PortScan unless said otherwise."""
    kind = np.ones(len(score), dtype=np.int64) if class_index is None else np.asarray(class_index, np.int64)
    value = np.asarray(score, dtype=np.float32)
    return Scores(value, kind, value * np.float32(0.5))


def part(frame: pd.DataFrame, scores: Scores, begin: int, end: int) -> tuple[pd.DataFrame, Scores]:
    """Rows begin..end as a batch of their own, with only its own categories, as a reader would give it."""
    rows = frame.iloc[begin:end].reset_index(drop=True)
    for name in rows.select_dtypes("category").columns:
        rows[name] = rows[name].cat.remove_unused_categories()
    return rows, Scores(scores.score[begin:end], scores.class_index[begin:end], scores.class_score[begin:end])
