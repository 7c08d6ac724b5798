"""From columns as people have them to the batch schema: times, marks for what is unset, text, other dtypes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from zeekml.errors import FormatError, MissingColumnError
from zeekml.records.schema import COLUMNS, REQUIRED, Column
from zeekml.records.values import BOOL, MAX_PORT, MAX_TIME, NUMBER, PORT, TEXT, TIME

_BOOLEANS = {"T": True, "F": False, "true": True, "false": False, True: True, False: False}
_UNSET = ("-", "", "(empty)")

#: The most that a value may be (the least is 0), and what it must be in words; as in the readers.
_RANGES = {
    "time": (MAX_TIME, f"{TIME}, in seconds or as datetimes"),
    "port": (float(MAX_PORT), PORT),
    "number": (float(np.finfo(np.float64).max), NUMBER),
}
_WORDS = {"duration": f"{NUMBER}, in seconds or as timedeltas"}
_TEXTS = pa.dictionary(pa.int32(), pa.string())

# What the values of a column of objects are, as pandas infers it, and the dtype that they are taken as.
_TIMES_IN_OBJECTS: dict[str, Callable[[pd.Series[Any]], pd.Series[Any]]] = {
    "datetime": lambda values: pd.to_datetime(values, utc=True),
    "datetime64": lambda values: pd.to_datetime(values, utc=True),
    "timedelta": pd.to_timedelta,
    "timedelta64": pd.to_timedelta,
}


def check_names(names: Iterable[object]) -> None:
    """Hold a frame's column names against the schema: MissingColumnError, FormatError for one that is there twice."""
    counts = Counter(map(str, names))
    missing = [name for name in REQUIRED if name not in counts]
    if missing:
        raise MissingColumnError(
            f"the frame lacks the column {missing[0]!r}, found {', '.join(counts) or 'none'}; "
            f"a connection log has {', '.join(REQUIRED)}; rename the frame's columns to Zeek's names"
        )
    for column in COLUMNS:
        if counts[column.name] > 1:
            raise FormatError(
                f"the frame has {counts[column.name]} columns {column.name!r}, expected one; leave out the others"
            )


def as_batch(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring a pandas frame of N connections to the batch schema, with an index from 0.

    See ``Detector.score`` for what is taken and raised.
    """
    given = frame.reset_index() if frame.index.name == "ts" and "ts" not in frame else frame
    check_names(given.columns)
    columns = {}
    for column in COLUMNS:
        values = given[column.name].reset_index(drop=True) if column.name in given else None
        columns[column.name] = _converted(column, values, len(given))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(given)))


def from_arrow(array: pa.ChunkedArray) -> pd.Series[Any]:
    """An Arrow column (N,) as a pandas one: a dictionary of texts becomes categories, another its values."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(_TEXTS if _is_text(array.type.value_type) else array.type.value_type)
    series: pd.Series[Any] = array.to_pandas().reset_index(drop=True)
    return series


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _converted(column: Column, values: pd.Series[Any] | None, length: int) -> pd.Series[Any]:
    if values is None:
        return _unset(column, length)
    if isinstance(values.dtype, pd.ArrowDtype):
        values = from_arrow(pa.chunked_array(pa.array(values)))
    match column.kind:
        case "time" | "number" | "port":
            converted = _numbers(column, values)
        case "bool":
            converted = _booleans(column, values)
        case "label":
            converted = _labels(column, values)
        case "string":
            converted = values.astype("str")
    if column.required and column.name != "conn_state" and converted.isna().any():
        at = int(converted.isna().to_numpy().argmax())
        raise FormatError(f"column {column.name!r}, row {at}: is unset; leave such rows out")
    if column.kind in _RANGES:
        _check_range(column, converted.to_numpy())
    return converted.astype("int32") if column.kind == "port" else converted


def _unset(column: Column, length: int) -> pd.Series[Any]:
    """An optional column that is not there."""
    match column.kind:
        case "bool":
            return pd.Series(pd.array([pd.NA] * length, dtype="boolean"))
        case "label":
            return pd.Series(pd.Categorical([np.nan] * length, categories=pd.Index([], dtype="str")))
        case "string":
            return pd.Series([f"row-{i}" for i in range(length)], dtype="str")
        case _:
            return pd.Series(np.full(length, np.nan))


def _check_range(column: Column, values: NDArray[Any]) -> None:
    most, _ = _RANGES[column.kind]
    wrong = (values < 0) | (values > most)
    if column.kind == "port":
        wrong |= values != np.floor(values)
    if wrong.any():
        at = int(wrong.argmax())
        raise _wrong(column, at, f"{values[at]:.10g}", "leave such rows out")


def _numbers(column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
    """Seconds, counts or ports as float64 (N,), NaN where unset."""
    if values.dtype == object:
        take = _TIMES_IN_OBJECTS.get(pd.api.types.infer_dtype(values, skipna=True))
        values = values if take is None else take(values)
    if pd.api.types.is_datetime64_any_dtype(values.dtype) and column.kind == "time":
        utc = values if values.dt.tz is None else values.dt.tz_convert(None)
        return _seconds(utc.dt.round("us") - pd.Timestamp(0))
    if pd.api.types.is_timedelta64_dtype(values.dtype) and column.name in ("ts", "duration"):
        return _seconds(values)
    if isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype) or values.dtype == object:
        values = values.astype(object).where(~values.isin(_UNSET), np.nan)
    elif not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        raise _wrong(column, None, f"values of dtype {values.dtype}", "convert the column")
    try:
        return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan))
    except (ValueError, TypeError):
        at = int(np.argmax([not _is_number(value) for value in values]))
        raise _wrong(
            column, at, repr(values.iloc[at]), "convert the column, or leave such rows out"
        ) from None


def _seconds(values: pd.Series[Any]) -> pd.Series[Any]:
    seconds: pd.Series[Any] = values.dt.total_seconds()
    return seconds


def _is_number(value: Any) -> bool:
    try:
        return pd.isna(value) is True or np.isscalar(float(value))
    except (ValueError, TypeError):
        return False


def _booleans(column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("boolean")
    truth = values.astype(object).map(_BOOLEANS)
    wrong = (truth.isna() & values.notna() & ~values.isin(_UNSET)).to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        raise _wrong(column, at, repr(values.iloc[at]), "write T or F, or leave it unset")
    return truth.astype("boolean")


def _labels(column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
    """Texts as categories; unset marks become missing, addresses that are objects their text."""
    codes, distinct = pd.factorize(values)
    for place, value in enumerate(distinct):
        if not isinstance(value, str | IPv4Address | IPv6Address):
            at = int((codes == place).argmax())
            raise _wrong(column, at, repr(value), f"write it as Zeek does{_LIKE.get(column.name, '')}")
    texts = pd.Series(list(distinct), dtype=object).map(str)
    texts = texts.str.lower() if column.name == "proto" else texts
    texts = texts.where(~texts.isin(_UNSET), np.nan).astype("str")
    return texts.reindex(codes).reset_index(drop=True).astype("category")


_LIKE = {
    "id.orig_h": ", such as '192.0.2.1'",
    "id.resp_h": ", such as '192.0.2.1'",
    "proto": ", such as 'tcp'",
}


def _wrong(column: Column, at: int | None, found: str, advice: str) -> FormatError:
    place = f"column {column.name!r}" if at is None else f"column {column.name!r}, row {at}"
    words = {"bool": BOOL, "label": TEXT, "string": TEXT}.get(column.kind) or _RANGES[column.kind][1]
    return FormatError(f"{place}: found {found}, expected {_WORDS.get(column.name, words)}; {advice}")
