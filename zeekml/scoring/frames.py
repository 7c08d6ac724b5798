"""The kinds of frames that people have: pandas, polars, Arrow; connections in, verdicts back in the same kind."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from zeekml.errors import FormatError
from zeekml.records.schema import NAMES
from zeekml.scoring.columns import as_batch, check_names, from_arrow

if TYPE_CHECKING:
    import polars as pl


class ArrowStream(Protocol):
    """A table that can be handed over by the Arrow PyCapsule interface, as those of many libraries can."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The verdicts on N connections: ``score`` (N,), ``class_index`` (N,) into ``classes``, ``class_score`` (N,), and
    ``reasons`` (N,) where they were asked for."""

    score: NDArray[np.float32]
    class_index: NDArray[np.int64]
    class_score: NDArray[np.float32]
    classes: Sequence[str]
    reasons: list[str] | None = None

    def to_pandas(self, index: pd.Index[Any]) -> pd.DataFrame:
        """``class`` is categorical with all classes of the model."""
        columns: dict[str, Any] = {
            "score": self.score,
            "class": pd.Categorical.from_codes(self.class_index, categories=pd.Index(self.classes)),
            "class_score": self.class_score,
        }
        if self.reasons is not None:
            columns["reasons"] = pd.Series(self.reasons, dtype="str", index=index)
        return pd.DataFrame(columns, index=index)

    def to_arrow(self) -> pa.Table:
        """``class`` is a dictionary of all classes of the model."""
        indices = pa.array(self.class_index, type=pa.int32())
        columns = {
            "score": pa.array(self.score),
            "class": pa.DictionaryArray.from_arrays(indices, pa.array(list(self.classes), type=pa.string())),
            "class_score": pa.array(self.class_score),
        }
        if self.reasons is not None:
            columns["reasons"] = pa.array(self.reasons, type=pa.string())
        return pa.table(columns)

    def to_polars(self) -> pl.DataFrame:
        """``class`` is an Enum of all classes of the model."""
        import polars as pl  # noqa: PLC0415  only who gives a polars frame has it

        names = np.array(self.classes, dtype=object)[self.class_index].tolist()
        columns = {
            "score": pl.Series(self.score, dtype=pl.Float32),
            "class": pl.Series(names, dtype=pl.Enum(list(self.classes))),
            "class_score": pl.Series(self.class_score, dtype=pl.Float32),
        }
        if self.reasons is not None:
            columns["reasons"] = pl.Series(self.reasons, dtype=pl.String)
        return pl.DataFrame(columns)


def batch_of(frame: object) -> pd.DataFrame:
    """The connections of a frame of any kind in the batch schema; raises FormatError or MissingColumnError."""
    if isinstance(frame, pd.DataFrame):
        return as_batch(frame)
    if is_polars(frame):
        check_names(frame.columns)
        # Only these: a column of Python objects beside them has no Arrow form.
        frame = frame.select([name for name in NAMES if name in frame.columns])
    table = _table(frame)
    check_names(table.column_names)
    known = {name: from_arrow(table.column(name)) for name in NAMES if name in table.column_names}
    return as_batch(pd.DataFrame(known, index=pd.RangeIndex(table.num_rows)))


def is_polars(frame: object) -> TypeGuard[pl.DataFrame]:
    """Whether it is a polars frame; polars is not imported to find out."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(frame, polars.DataFrame)


def like(frame: object, verdicts: Verdicts) -> Any:
    """The verdicts as a frame of the kind that was given; a pandas frame has its index."""
    if isinstance(frame, pd.DataFrame):
        return verdicts.to_pandas(frame.index)
    return verdicts.to_polars() if is_polars(frame) else verdicts.to_arrow()


def _table(frame: object) -> pa.Table:
    if isinstance(frame, pa.Table):
        return frame
    if not (hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__")):
        raise FormatError(
            f"found a {type(frame).__module__}.{type(frame).__qualname__}, expected a frame of connections: pandas, "
            f"polars or an Arrow table; {_advice(frame)}"
        )
    try:
        return pa.table(frame)
    except (ValueError, TypeError) as error:  # Arrow's own errors are kinds of these
        raise FormatError(
            f"found a {type(frame).__module__}.{type(frame).__qualname__} that is no Arrow table ({error}); give all "
            f"columns as one table"
        ) from error


def _advice(frame: object) -> str:
    if hasattr(frame, "collect"):
        return "call its collect() first"
    return (
        "a log is read into one by zat's LogToDataFrame, for example; or give its columns to pandas.DataFrame"
    )
