"""A batch's Arrow table made into a pandas frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from zeekml.records.frame import arrow_type
from zeekml.records.schema import COLUMNS, Kind

# Arrow's dictionaries have each text once: looking for that once more takes pandas as long as all else about them.
_CATEGORIES: Callable[..., Any] = getattr(pd.CategoricalDtype, "_from_fastpath", pd.CategoricalDtype)
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Make the batch frame: the schema's columns in order and dtype, then the others as labels."""
    names = set(table.column_names)
    columns: dict[str, object] = {}
    for column in COLUMNS:
        if column.name in names:
            array = table.column(column.name)
        else:
            array = pa.chunked_array([pa.nulls(table.num_rows, arrow_type(column))])
        columns[column.name] = _to_pandas(column.kind, array)
    for name in table.column_names:
        if name not in columns:
            columns[name] = _to_pandas("label", table.column(name))
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def _to_pandas(kind: Kind, array: pa.ChunkedArray) -> object:
    match kind:
        case "string":
            return _text(array)
        case "label":
            return _categorical(array)
        case "bool":
            whole = array.combine_chunks()
            values = whole.fill_null(False).to_numpy(zero_copy_only=False)
            return pd.arrays.BooleanArray(values, whole.is_null().to_numpy(zero_copy_only=False))
        case _:
            # A copy where Arrow's memory is read-only: a batch frame may be changed in place.
            values = array.to_numpy()
            return values if values.flags.writeable else values.copy()


def _text(array: pa.ChunkedArray) -> pd.api.extensions.ExtensionArray:
    # pandas documents __from_arrow__ for extension types; its stubs leave it out.
    return _TEXT.__from_arrow__(array)  # type: ignore[attr-defined,no-any-return]


def _categorical(array: pa.ChunkedArray) -> pd.Categorical[str]:
    whole = array.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    indices = whole.indices.fill_null(-1) if whole.null_count else whole.indices
    codes = indices.to_numpy(zero_copy_only=False)
    dictionary = whole.dictionary
    used = np.bincount(codes + 1, minlength=len(dictionary) + 1)[1:] > 0
    if not used.all():
        # Only the categories of this batch: a dictionary grows with the block that it was read from.
        places = np.cumsum(used, dtype=np.int32) - 1
        codes = np.where(codes >= 0, places[codes], -1)
        dictionary = dictionary.filter(pa.array(used))
    categories = pd.Index(_text(pa.chunked_array([dictionary])))
    dtype: pd.CategoricalDtype[str] = _CATEGORIES(categories, ordered=False)
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
