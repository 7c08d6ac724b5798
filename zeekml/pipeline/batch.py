"""The driver behind ``zeekml score``: logs that are there, from their first line to their last."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from zeekml.addresses import Networks
from zeekml.alerts import AlertEngine, AlertPolicy, Alerts, Allowlist, Explained, Ordinary, Sensors
from zeekml.config import Settings
from zeekml.drift.file import ALL_LOGS, DriftFile, encode
from zeekml.drift.monitor import Drift
from zeekml.errors import BaselineError, InputError
from zeekml.health import SensorHealth
from zeekml.loading import loading
from zeekml.pipeline.interrupts import undisturbed
from zeekml.pipeline.progress import Progress
from zeekml.pipeline.readahead import ReadAhead
from zeekml.pipeline.reading import FileEnd, Reading, StreamEnd
from zeekml.pipeline.summary import Summary
from zeekml.records import Batch, Rejects
from zeekml.scoring import Bundle, Scorer, Scores, StateLimits, load_bundle
from zeekml.scoring.bundle import WEIGHTS
from zeekml.scoring.scorer import Prepared
from zeekml.sinks import Outputs, open_outputs
from zeekml.table import Frame

if TYPE_CHECKING:
    from zeekml.baseline import Baseline

_WANTED: Final = "Zeek's conn.log (TSV or JSON) or Suricata's eve.json with flow events"


class ScoresBatches(Protocol):
    """What the driver needs of a scorer: :class:`zeekml.scoring.Scorer`, or a stand-in."""

    @property
    def caps_acted(self) -> int:
        """Hosts and contexts that a limit of the state put out."""

    def features(self, frame: Frame, stream: str) -> Prepared:
        """What ``judge`` wants of the next batch of a stream; called by one thread."""

    def judge(self, prepared: Prepared, stream: str) -> Scores:
        """The scores of the next batch of a stream; called by another thread."""

    def reasons(self, scores: Scores, rows: np.ndarray) -> Sequence[str]:
        """Why these rows score as they do, one text a row."""

    def end_stream(self, stream: str) -> None:
        """Forgets a stream that has ended."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A batch and what the model says of it."""

    batch: Batch
    scores: Scores


@dataclass(frozen=True, slots=True)
class Looked:
    """A batch and what was made of it before it is judged."""

    batch: Batch
    prepared: Prepared


Step: TypeAlias = Scored | FileEnd | StreamEnd


def score_logs(reading: Reading, out: Path, settings: Settings, progress: Progress) -> Summary:
    """Scores logs and writes notice.log, zeekml.log and, if need be, rejects.log.

    A log that cannot be read is told in ``Summary.problems`` and the others are scored. The outputs appear
    together at the end; by an error or an interrupt none of them does, and what was there before stays.

    Raises ModelError, ConfigError and OutputError; InputError when not one log could be read.
    """
    with loading(stays=True):
        bundle = load_bundle(settings.score.model)
        scorer = Scorer(bundle, limits=state_limits(settings), threads=settings.score.threads)
    summary = score_with(scorer, bundle, reading, out, settings, progress)
    summary.seconds = time.monotonic() - reading.started
    return summary


def score_with(
    scorer: ScoresBatches,
    bundle: Bundle,
    reading: Reading,
    out: Path,
    settings: Settings,
    progress: Progress,
) -> Summary:
    """As :func:`score_logs`, with a scorer that is there already; ``bundle`` gives names and thresholds."""
    engine = AlertEngine(alert_policy(settings, bundle, site_baseline(settings, bundle)), bundle.classes)
    discovery = reading.discovery
    summary = Summary(passed_over=list(discovery.passed_over), problems=list(discovery.problems))
    for problem in discovery.problems:
        progress.problem(problem)
    if not discovery.streams:
        raise InputError(nothing_read(summary, discovery.empty))
    with open_outputs(out, settings.score.format, model=bundle.name, classes=bundle.classes) as outputs:
        drift = drift_from(settings, bundle, fades=False)
        run = Run(
            scorer, engine, outputs, bundle.classes, settings.score.log_threshold, progress, summary, drift
        )
        run.score(reading)
        summary.drift = drift.overall()
        if summary.drift is not None:
            outputs.write_drift(encode(DriftFile(bundle.name, time.time(), {ALL_LOGS: summary.drift})))
        if not summary.files and not summary.connections:
            raise InputError(nothing_read(summary))
        with undisturbed():
            outputs.commit()
    summary.caps_acted = scorer.caps_acted + engine.caps_acted
    return summary


@dataclass
class Run:
    """One pass over streams of logs. One thread reads, one works out features, one scores, the caller's writes.

    They meet in short queues. ``scorer`` is called by the two threads in the middle, but for ``reasons``.
    """

    scorer: ScoresBatches
    engine: AlertEngine
    outputs: Outputs
    classes: Sequence[str]
    log_threshold: float
    progress: Progress
    summary: Summary
    drift: Drift
    health: SensorHealth = field(default_factory=SensorHealth)

    def score(self, reading: Reading) -> None:
        """Takes every stream from its first line to its last and counts in ``summary``; commits nothing."""
        self.progress.begin([log for stream in reading.discovery.streams for log in stream.files])
        log = self.outputs.rejects_log
        reading.rejects_to(lambda line: log.write(line.source, line.line, line.reason, line.text))
        # Nothing may be read once the outputs are given up: rejects go there.
        with closing(reading), closing(ReadAhead(self._scored(reading), depth=1)) as steps:
            for step in steps:
                match step:
                    case Scored():
                        self._write(step.batch, step.scores)
                    case FileEnd():
                        self._file_end(step, reading.rejects)
                    case StreamEnd():
                        self._stream_end(step.stream)
        self.summary.rejects = reading.rejects.total

    def _scored(self, reading: Reading) -> Iterator[Step]:
        """Runs in a thread of its own, between the one that works out features and the one that writes."""
        with closing(ReadAhead(self._looked(reading), depth=1)) as events:
            for event in events:
                if isinstance(event, Looked):
                    batch = event.batch
                    yield Scored(batch, self.scorer.judge(event.prepared, batch.stream))
                    continue
                if isinstance(event, StreamEnd):
                    self.scorer.end_stream(event.stream)
                yield event

    def _looked(self, reading: Reading) -> Iterator[Looked | FileEnd | StreamEnd]:
        """Runs in a thread of its own, after the one that reads."""
        for event in reading:
            if isinstance(event, Batch):
                yield Looked(event, self.scorer.features(event.table, event.stream))
            else:
                yield event

    def _write(self, batch: Batch, scores: Scores) -> None:
        table, outputs = batch.table, self.outputs
        marks = self.health.process(table, batch.stream)
        self.drift.process(scores, batch.stream)
        alerts = self.engine.process(table, scores, batch.stream).marked(marks.at)
        rows = np.flatnonzero(scores.score >= self.log_threshold)
        explained_rows = alerts.rows_to_explain(rows)
        explained = Explained(explained_rows, self.scorer.reasons(scores, explained_rows))
        outputs.zeekml_log.write(table, scores, rows, explained.where(alerts.above), alerts.notices, marks)
        outputs.notice_log.write(alerts.notices, table, explained)
        self._count(batch, scores, alerts, len(rows))

    def _count(self, batch: Batch, scores: Scores, alerts: Alerts, logged: int) -> None:
        summary = self.summary
        summary.connections += len(batch)
        summary.logged += logged
        summary.hosts.add(batch.stream, batch.table.label("id.orig_h"))
        by_class = np.bincount(scores.class_index[alerts.alerting], minlength=len(self.classes))
        for name, count in zip(self.classes, by_class.tolist(), strict=True):
            if count:
                summary.alerts[name] += count
        for notice in alerts.notices:
            summary.notices[notice.note, notice.class_name] += 1
        self.progress.connections(batch.source, len(batch), int(batch.lines[-1]))

    def _stream_end(self, stream: str) -> None:
        self.engine.end_stream(stream)
        self.drift.end_stream(stream)
        if findings := self.health.end_stream(stream):
            self.summary.sensor[stream] = findings
        for finding in findings:
            self.progress.warning(f"{stream}: {finding}")

    def _file_end(self, end: FileEnd, rejects: Rejects) -> None:
        if end.error is None:
            self.summary.files += 1
            if end.log.name in rejects.without_flows:
                self.summary.without_flows.append(end.log.name)
                self.progress.warning(without_flows(end.log.name))
        else:
            self.summary.problems.append(end.error)
            self.progress.problem(end.error)
        self.progress.file_end(end.log)


def alert_policy(settings: Settings, bundle: Bundle, baseline: Baseline | None = None) -> AlertPolicy:
    """The policy that the settings ask for; a threshold that they leave open is the baseline's, else the bundle's.

    ``baseline``: the one that the settings name (see `site_baseline`), or None. Raises ConfigError.
    """

    alerts = settings.alerts
    site = None if baseline is None else baseline.thresholds

    def chosen(setting: float | None, own: float) -> float:
        return own if setting is None else setting

    own = bundle.thresholds
    return AlertPolicy(
        connection_threshold=chosen(
            alerts.connection_threshold, own.connection if site is None else site.connection.value
        ),
        host_threshold=chosen(alerts.host_threshold, own.host if site is None else site.host.value),
        ordinary=Ordinary() if baseline is None else baseline.ordinary(),
        evidence_floor=bundle.evidence.floor,
        half_life=bundle.evidence.half_life,
        suppress_for=alerts.suppress_for,
        local_nets=Networks.parse(alerts.local_nets, field="alerts.local_nets")
        if alerts.local_nets
        else None,
        alert_inbound=alerts.alert_inbound,
        max_hosts=settings.state.max_hosts,
        sensors=sensors_here(),
        allowlist=Allowlist.parse(
            [entry.model_dump(exclude_unset=True) for entry in alerts.allowlist], field="alerts.allowlist"
        ),
    )


def site_baseline(settings: Settings, bundle: Bundle) -> Baseline | None:
    """The baseline that the settings name, None where they name none.

    Raises BaselineError when it cannot be read, was changed, or was learned with another model than ``bundle``.
    """
    if settings.alerts.baseline is None:
        return None
    from zeekml.baseline import load_baseline  # noqa: PLC0415 - declares every field of its file

    path = Path(settings.alerts.baseline)
    baseline = load_baseline(path)
    check_model(baseline, bundle, str(path))
    return baseline


def check_model(baseline: Baseline, bundle: Bundle, source: str) -> None:
    """BaselineError when the baseline of this ``source`` was learned with another model."""
    made, manifest = baseline.model, bundle.manifest
    if made.weights_sha256 != manifest.files[WEIGHTS]:
        raise BaselineError(
            f"{source}: was learned with model {made.name} {made.version} (weights {made.weights_sha256[:12]}), this "
            f"run scores with {manifest.name} {manifest.version} (weights {manifest.files[WEIGHTS][:12]}), and scores "
            "of two models do not compare; learn it again with zeekml baseline"
        )


def sensors_here() -> Sensors:
    """What sensors are known by on this machine."""
    folder = ""
    with contextlib.suppress(OSError):  # the current folder may be gone
        folder = str(Path.cwd())
    return Sensors(socket.gethostname(), folder)


def drift_from(settings: Settings, bundle: Bundle, *, fades: bool) -> Drift:
    """Tells how far connections are from those that the bundle was trained on; ``fades``: of a live log."""
    chosen = settings.alerts.connection_threshold
    return Drift(
        bundle.drift,
        None if bundle.drift is None else bundle.features_used,
        bundle.thresholds.connection if chosen is None else chosen,
        own_threshold=chosen is None,
        fades=fades,
    )


def state_limits(settings: Settings) -> StateLimits:
    """The limits of what a scorer remembers."""
    return StateLimits(**settings.section("state"))


def without_flows(log: str) -> str:
    """What is said of a Suricata log in which nothing was to be scored."""
    return (
        f"{log}: a Suricata log without flow events, so there was nothing to score; "
        "add flow to outputs.eve-log.types in suricata.yaml"
    )


def nothing_read(summary: Summary, empty: Sequence[str] = ()) -> str:
    """The message of a run that found no connection log at all; the problems themselves were told before.

    ``empty``: folders without any file.
    """
    lines = [f"{folder}: no file there (hidden ones are left alone): expected {_WANTED}" for folder in empty]
    if summary.passed_over:
        lines.append(
            f"no connection log among {len(summary.passed_over):,} files, such as {summary.passed_over[0]}: "
            f"expected {_WANTED}"
        )
    return "\n".join([*lines, "no log could be read, nothing was written"])
