"""Finds one connection in its logs and says why it scores as it does, with everything that led up to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from zeekml.alerts import AlertEngine, AlertPolicy, Notice, Standing
from zeekml.alerts.ordinary import odd_threshold
from zeekml.config import Settings
from zeekml.errors import InputError, ZeekMLError
from zeekml.pipeline.batch import alert_policy, site_baseline, state_limits
from zeekml.pipeline.progress import Progress
from zeekml.pipeline.readahead import ReadAhead
from zeekml.pipeline.reading import FileEnd, StreamEnd, read_streams
from zeekml.records import Batch, Rejects, discover
from zeekml.records.escapes import printable
from zeekml.scoring import Bundle, Scorer, Scores, load_bundle
from zeekml.scoring.reasons import Reason, Seen
from zeekml.table import Table

_BATCHES_KEPT: Final = 3
"""Batches in which the host's latest connections are looked for: the one with the connection, and those before."""

_LATEST: Final = 10
"""Connections of the host that are listed, the explained one included."""


@dataclass(frozen=True, slots=True)
class Latest:
    """One of the host's latest connections: ``ts`` (epoch s), responder, state and score."""

    ts: float
    resp_h: str
    resp_p: int
    proto: str
    conn_state: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """One connection and its verdict.

    ``connection``: its columns that are set, under Zeek's names. ``silent``: why it raises no alert although it
    scores high enough, None where nothing keeps it from it. ``usual_score`` and ``usual_evidence`` (nats) are the
    baseline's, 0 where there is none; the latter is in ``odd_threshold``, which the part of the evidence that is not
    ordinary has to reach, as all of it ``host_threshold``. ``notices``: those written with it. ``standing``: what was
    held against the originator then, this connection included. ``reasons``: what each fact says, in the order of
    ``FACTS``, and ``features`` the values behind them. ``fidelity``: the share of the variance of the network's log
    odds that its stand-in among the reasons explains. ``latest``: of the originator, in log order, this connection
    last.
    """

    source: str
    line: int
    stream: str
    connection: dict[str, Any]
    model: str
    score: float
    class_name: str
    class_score: float
    connection_threshold: float
    host_threshold: float
    odd_threshold: float
    usual_score: float
    usual_evidence: float
    evidence_floor: float
    silent: str | None
    notices: list[Notice]
    standing: Standing
    reasons: list[Reason]
    features: list[Seen]
    fidelity: float
    latest: list[Latest]

    @property
    def alerts(self) -> bool:
        """Whether the connection raises an alert."""
        return self.score >= self.connection_threshold and self.silent is None


def explain_connection(
    uid: str, paths: Sequence[str], settings: Settings, progress: Progress
) -> tuple[Explanation, list[ZeekMLError]]:
    """The explanation of the first connection with this ``uid``, and the problems of the logs read before it.

    The logs are scored from their start, as ``zeekml score`` does: a score depends on what the host did before.
    Raises ModelError and ConfigError; InputError when no connection has this ``uid``.
    """
    bundle = load_bundle(settings.score.model)
    policy = alert_policy(settings, bundle, site_baseline(settings, bundle))
    search = _Search(
        uid,
        Scorer(bundle, limits=state_limits(settings), threads=settings.score.threads, every_feature=True),
        AlertEngine(policy, bundle.classes),
    )
    discovery = discover(paths)
    problems = list(discovery.problems)
    for problem in problems:
        progress.problem(problem)
    progress.begin([log for stream in discovery.streams for log in stream.files])
    with closing(ReadAhead(read_streams(discovery.streams, Rejects()))) as events:
        for event in events:
            match event:
                case Batch():
                    found = search.take(event)
                    if found is not None:
                        return _explained(found, search, bundle, policy), problems
                    progress.connections(event.source, len(event.frame), int(event.lines[-1]))
                case FileEnd():
                    if event.error is not None:
                        problems.append(event.error)
                        progress.problem(event.error)
                    progress.file_end(event.log)
                case StreamEnd():
                    search.end_stream(event.stream)
    raise InputError(
        f"no connection has the uid {_shown(uid)} ({search.connections:,} were read): name the log that it is in, and "
        "the rotated ones before it, for what its host did earlier counts as well"
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The batch and row of the connection, the scores of the batch, and the notices written with the row."""

    batch: Batch
    row: int
    scores: Scores
    notices: list[Notice]


class _Search:
    """Scores batch after batch up to the connection with a uid."""

    def __init__(self, uid: str, scorer: Scorer, engine: AlertEngine) -> None:
        self.scorer = scorer
        self.engine = engine
        self.connections = 0
        self.recent: deque[tuple[pd.DataFrame, Scores]] = deque(maxlen=_BATCHES_KEPT)
        self._uid = uid

    def take(self, batch: Batch) -> _Found | None:
        """Score a batch; alerting stops with the connection that is looked for, if it is in there."""
        frame = batch.frame
        scores = self.scorer.score(frame, batch.stream)
        self.recent.append((frame, scores))
        self.connections += len(frame)
        rows = np.flatnonzero((frame["uid"] == self._uid).to_numpy(dtype=np.bool_))
        if not len(rows):
            self.engine.process(frame, scores, batch.stream)
            return None
        row = int(rows[0])
        upto = slice(row + 1)
        until = Scores(scores.score[upto], scores.class_index[upto], scores.class_score[upto])
        alerts = self.engine.process(frame.iloc[upto], until, batch.stream)
        return _Found(batch, row, scores, [notice for notice in alerts.notices if notice.row == row])

    def end_stream(self, stream: str) -> None:
        self.scorer.end_stream(stream)
        self.engine.end_stream(stream)
        self.recent.clear()


def _explained(found: _Found, search: _Search, bundle: Bundle, policy: AlertPolicy) -> Explanation:
    batch, row, scores = found.batch, found.row, found.scores
    one = batch.frame.iloc[[row]]
    ended = one["ts"].iloc[0] + np.nan_to_num(one["duration"].iloc[0])
    host = str(one["id.orig_h"].iloc[0])
    usual_evidence = policy.ordinary.usual_evidence(Table.of(one).label("id.orig_h"))
    return Explanation(
        source=batch.source,
        line=int(batch.lines[row]),
        stream=batch.stream,
        connection={name: _plain(one[name].iloc[0]) for name in one.columns if pd.notna(one[name].iloc[0])},
        model=f"{bundle.name} {bundle.version}",
        score=float(scores.score[row]),
        class_name=bundle.classes[scores.class_index[row]],
        class_score=float(scores.class_score[row]),
        connection_threshold=policy.connection_threshold,
        host_threshold=policy.host_threshold,
        odd_threshold=float(odd_threshold(policy.host_threshold, usual_evidence)[0]),
        usual_score=float(policy.ordinary.usual(one, scores.score[row : row + 1])[0]),
        usual_evidence=float(usual_evidence[0]),
        evidence_floor=policy.evidence_floor,
        silent=_silent(one, policy, batch.stream, float(scores.score[row])),
        notices=found.notices,
        standing=search.engine.standing(batch.stream, host, float(ended)),
        reasons=search.scorer.reasons_of(scores, row),
        features=search.scorer.features_of(scores, row),
        fidelity=bundle.manifest.reasons.fidelity,
        latest=_latest(search.recent, host, row),
    )


def _silent(one: pd.DataFrame, policy: AlertPolicy, stream: str, score: float) -> str | None:
    """Why this connection raises no alert, although its score may be high enough."""
    if policy.counts(one, stream).all():
        usual = float(policy.ordinary.usual(one, np.array([score], dtype=np.float32))[0])
        return f"scores up to {usual:.4f} are usual here, says the baseline" if score <= usual else None
    for entry in policy.allowlist.entries:
        if entry.matches(one, policy.sensors.names(stream)).all():
            return f"the allowlist lets it pass: {entry.reason}"
    return "its originator is not inside (alerts.local_nets, alerts.alert_inbound)"


def _latest(recent: Sequence[tuple[pd.DataFrame, Scores]], host: str, row: int) -> list[Latest]:
    """The host's latest connections, up to ``row`` of the last batch."""
    found: list[Latest] = []
    for number, (frame, scores) in enumerate(reversed(recent)):
        rows = np.flatnonzero((frame["id.orig_h"] == host).to_numpy(dtype=np.bool_))
        rows = rows[rows <= row] if number == 0 else rows
        for at in rows[::-1][: _LATEST - len(found)].tolist():
            line = frame.iloc[at]
            state = line["conn_state"]
            found.append(
                Latest(
                    float(line["ts"]),
                    str(line["id.resp_h"]),
                    int(line["id.resp_p"]),
                    str(line["proto"]),
                    None if pd.isna(state) else str(state),
                    float(scores.score[at]),
                )
            )
    return found[::-1]


def _plain(value: Any) -> Any:
    """A cell as Python's own kind."""
    return value.item() if isinstance(value, np.generic) else value


def _shown(text: str) -> str:
    return printable(text.encode("utf-8", "surrogateescape"))
