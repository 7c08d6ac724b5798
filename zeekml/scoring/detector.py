"""Scores frames, for notebooks: pandas, polars and Arrow, and those of zat's ``LogToDataFrame`` as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring.bundle import Bundle, load_bundle
from zeekml.scoring.frames import ArrowStream, Verdicts, batch_of, like
from zeekml.scoring.scorer import Scorer

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


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

    @overload
    def score(self, frame: pd.DataFrame, *, reasons: bool = False) -> pd.DataFrame: ...
    @overload
    def score(self, frame: pl.DataFrame, *, reasons: bool = False) -> pl.DataFrame: ...
    @overload
    def score(self, frame: ArrowStream, *, reasons: bool = False) -> pa.Table: ...

    def score(self, frame: Any, *, reasons: bool = False) -> Any:
        """Score the connections of one log, given in log order (the order in which they ended).

        ``frame`` is a pandas or polars frame, an Arrow table, or anything else with Arrow's PyCapsule interface. It
        has Zeek's column names; in pandas ``ts`` may be the index. Times may be datetimes (without a zone: UTC) and
        timedeltas, as zat gives them. The original is not changed. Every call starts with an empty memory of hosts.

        Returns a frame of the same kind (pandas: with the same index; else an Arrow table), row by row: the columns
        ``score`` (calibrated probability of not Benign), ``class`` (the most probable class other than Benign) and
        ``class_score``, and ``reasons`` if asked for. Raises MissingColumnError when a required column is absent,
        FormatError when a column, or the frame itself, cannot be understood.
        """
        batch = batch_of(frame)
        scorer = Scorer(self.bundle)
        scores = scorer.score(batch, "frame")
        verdicts = Verdicts(
            scores.score,
            scores.class_index,
            scores.class_score,
            self.bundle.classes,
            list(scorer.reasons(scores, np.arange(len(batch)))) if reasons else None,
        )
        return like(frame, verdicts)
