"""Scores frames, for notebooks: those of zeekml's readers, and those of zat's ``LogToDataFrame`` as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.errors import FormatError, MissingColumnError
from zeekml.records.schema import COLUMNS, REQUIRED, Column
from zeekml.records.values import MAX_PORT, MAX_TIME, NUMBER, PORT, TIME
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring.bundle import Bundle, load_bundle
from zeekml.scoring.scorer import Scorer

_BOOLEANS = {"T": True, "F": False, "true": True, "false": False, True: True, False: False}
_UNSET = ("-", "", "(empty)")
#: The most that a value may be (the least is 0), and what it must be in words; as in the readers.
_RANGES = {
    "time": (MAX_TIME, TIME),
    "port": (float(MAX_PORT), PORT),
    "number": (float(np.finfo(np.float64).max), NUMBER),
}


class Detector:
    """A model ready to score frames of connections.

    >>> from zeekml import Detector
    >>> verdicts = Detector.load().score(frame)  # doctest: +SKIP
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def load(cls, name: str | Path = DEFAULT_MODEL) -> Detector:
        """Load a bundle by name, or by folder (a Path, or a text with a slash); raises BundleError or LayoutError."""
        return cls(load_bundle(name))

    def score(self, frame: pd.DataFrame, *, reasons: bool = False) -> pd.DataFrame:
        """Score the connections of one log, given in log order (the order in which they ended).

        ``frame`` has Zeek's column names; ``ts`` may be the index, and times may be datetimes and timedeltas, as zat
        gives them. The original is not changed. Every call starts with an empty memory of hosts.

        Returns a frame with the same index and the columns ``score`` (calibrated probability of not Benign),
        ``class`` (the most probable class other than Benign) and ``class_score``, and ``reasons`` if asked for.
        Raises MissingColumnError when a required column is absent, FormatError when one cannot be understood.
        """
        batch = as_batch(frame)
        scorer = Scorer(self.bundle)
        scores = scorer.score(batch, "frame")
        verdicts = pd.DataFrame(
            {
                "score": scores.score,
                "class": pd.Categorical.from_codes(
                    scores.class_index, categories=pd.Index(self.bundle.classes)
                ),
                "class_score": scores.class_score,
            },
            index=frame.index,
        )
        if reasons:
            verdicts["reasons"] = scorer.reasons(scores, np.arange(len(batch)))
        return verdicts


def as_batch(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring a frame of connections to the batch schema; see ``Detector.score`` for what is taken and raised."""
    given = frame.reset_index() if frame.index.name == "ts" and "ts" not in frame else frame
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise MissingColumnError(
            f"the frame lacks the column {missing[0]!r}, found {', '.join(map(str, given.columns))}; "
            f"a connection log has {', '.join(REQUIRED)}"
        )
    columns = {}
    for column in COLUMNS:
        values = given[column.name].reset_index(drop=True) if column.name in given else None
        columns[column.name] = _converted(column, values, len(given))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(given)))


def _converted(column: Column, values: pd.Series[Any] | None, length: int) -> pd.Series[Any]:
    try:
        match column.kind:
            case "time" | "number":
                converted = _numbers(values, length)
            case "port":
                converted = _numbers(values, length).astype("int32")
            case "bool":
                converted = _booleans(values, length)
            case "label":
                converted = _labels(values, length, lower=column.name == "proto")
            case "string":
                converted = _strings(values, length)
    except (ValueError, TypeError) as error:
        raise FormatError(f"column {column.name!r}: expected a {column.kind}, found {error}") from error
    if column.required and column.name != "conn_state" and converted.isna().any():
        at = int(converted.isna().to_numpy().argmax())
        raise FormatError(f"column {column.name!r}, row {at}: is unset; leave such rows out")
    if column.kind in _RANGES:
        _check_range(column, converted.to_numpy())
    return converted


def _check_range(column: Column, values: NDArray[Any]) -> None:
    most, words = _RANGES[column.kind]
    wrong = (values < 0) | (values > most)
    if wrong.any():
        at = int(wrong.argmax())
        raise FormatError(
            f"column {column.name!r}, row {at}: found {values[at]:g}, expected {words}; leave such rows out"
        )


def _numbers(values: pd.Series[Any] | None, length: int) -> pd.Series[Any]:
    if values is None:
        return pd.Series(np.full(length, np.nan))
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    if pd.api.types.is_datetime64_dtype(values.dtype):
        values = values.dt.round("us") - pd.Timestamp(0)
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        seconds: pd.Series[Any] = values.dt.total_seconds()
        return seconds
    if isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype) or values.dtype == object:
        values = values.astype(object).where(~values.isin(_UNSET), np.nan)
    return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _booleans(values: pd.Series[Any] | None, length: int) -> pd.Series[Any]:
    if values is None:
        return pd.Series(pd.array([pd.NA] * length, dtype="boolean"))
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("boolean")
    return values.astype(object).map(_BOOLEANS).astype("boolean")


def _labels(values: pd.Series[Any] | None, length: int, *, lower: bool) -> pd.Series[Any]:
    if values is None:
        return pd.Series(pd.Categorical([np.nan] * length, categories=pd.Index([], dtype="str")))
    text = values.astype(object)
    known = text.notna() & ~text.isin(_UNSET)
    labels = text[known].astype("str")
    labels = (labels.str.lower() if lower else labels).reindex(text.index)
    return labels.astype("str").astype("category")


def _strings(values: pd.Series[Any] | None, length: int) -> pd.Series[Any]:
    if values is None:
        return pd.Series([f"row-{i}" for i in range(length)], dtype="str")
    return values.astype("str")
