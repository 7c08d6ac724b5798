"""A bundle's verdicts on streams of connections, by the scorer and the alerting of ``zeekml score``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.alerts import AlertEngine, Notice
from zeekml.alerts.policy import DECIDING
from zeekml.config import Settings
from zeekml.pipeline.batch import alert_policy, state_limits
from zeekml.records import BATCH_ROWS
from zeekml.scoring import Bundle, Scorer


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a bundle says of the N connections of a stream.

    ``score`` (N,), ``class_index`` (N,) the most probable class but Benign, ``alerting`` (N,) connections that alert,
    ``watched`` (N,) those that could, whatever their score; ``notices`` with the row of the stream that each was
    written with, and ``reasons`` why that row scored as it did.
    """

    score: NDArray[np.float64]
    class_index: NDArray[np.int64]
    alerting: NDArray[np.bool_]
    watched: NDArray[np.bool_]
    notices: list[Notice] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


class Judge:
    """A bundle with the settings of alerting; streams are judged one by one."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        """Raises ConfigError where the settings do not fit."""
        self.bundle = bundle
        self.policy = alert_policy(settings, bundle)
        self._scorer = Scorer(bundle, limits=state_limits(settings), threads=settings.score.threads)
        self._engine = AlertEngine(self.policy, bundle.classes)

    @property
    def cut(self) -> float:
        """The connection threshold as scores are held against it: at the precision that they have, float32."""
        return float(np.float32(self.policy.connection_threshold))

    def judge(self, frame: pd.DataFrame, stream: str) -> Verdicts:
        """Judge a whole stream (N rows of the batch schema, in log order), in batches as a run would."""
        parts = []
        for start in range(0, len(frame), BATCH_ROWS):
            batch = frame.iloc[start : start + BATCH_ROWS].reset_index(drop=True)
            parts.append(self._batch(batch, stream, start))
        self._scorer.end_stream(stream)
        self._engine.end_stream(stream)
        return Verdicts(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.class_index for part in parts]),
            np.concatenate([part.alerting for part in parts]),
            np.concatenate([part.watched for part in parts]),
            [notice for part in parts for notice in part.notices],
            [reason for part in parts for reason in part.reasons],
        )

    def _batch(self, batch: pd.DataFrame, stream: str, start: int) -> Verdicts:
        scores = self._scorer.score(batch, stream)
        alerts = self._engine.process(batch, scores, stream)
        rows = np.array([notice.row for notice in alerts.notices], dtype=np.int64)
        return Verdicts(
            scores.score.astype(np.float64),
            scores.class_index,
            alerts.alerting,
            self.policy.counts(batch.loc[:, list(DECIDING)], stream),
            [replace(notice, row=notice.row + start) for notice in alerts.notices],
            list(self._scorer.reasons(scores, rows)),
        )
