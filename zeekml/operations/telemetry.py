"""What a watch counts and measures of itself, as Prometheus metrics.

The main loop tells a ``Telemetry`` what it did, once per step and never per connection; any other thread may
read it meanwhile. docs/operations.md says what each metric means.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from zeekml import __version__

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of what ``Telemetry.exposition`` gives: https://prometheus.io/docs/instrumenting/exposition_formats/"""

_STEP_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Step(Protocol):
    """What is told of one step: connections read, scored, and written to the outputs."""

    @property
    def seconds(self) -> float:
        """From the first read to the last write."""

    @property
    def connections(self) -> Mapping[str, int]:
        """Connections scored, by stream."""

    @property
    def by_class(self) -> Mapping[str, int]:
        """Alerting connections by class."""

    @property
    def notices(self) -> Mapping[tuple[str, str], int]:
        """Notices written, by note and class."""

    @property
    def logged(self) -> int:
        """Records written to zeekml.log."""

    @property
    def rejects(self) -> int:
        """Lines that could not be read."""

    @property
    def suppressed(self) -> int:
        """Alerting connections that raised no notice."""

    @property
    def lag_bytes(self) -> Mapping[str, int]:
        """Bytes that stand unread in the logs, by stream."""

    @property
    def caught_up(self) -> bool:
        """Every log was read to its end when this step read it."""

    @property
    def newest(self) -> float | None:
        """The latest end of a connection of the step (ts + duration), epoch seconds; None for no connection."""

    @property
    def hosts_held(self) -> int:
        """Hosts whose state is held."""

    @property
    def pairs_held(self) -> int:
        """Peers with their ports whose state is held."""

    @property
    def alert_hosts(self) -> int:
        """Suspicious hosts whose evidence is held."""

    @property
    def journal_bytes(self) -> int:
        """The length of the journal: what a start would read again."""

    @property
    def caps_acted(self) -> int:
        """Hosts and peers that a limit of the state put out, in all."""


class Drift(Protocol):
    """How far the connections of a stream are from those of training."""

    @property
    def looked_at(self) -> float:
        """Connections that it is told by."""

    @property
    def near(self) -> float:
        """Share of their scores near the threshold."""

    @property
    def near_expected(self) -> float | None:
        """The same of held-out training connections; None where it is not known."""

    @property
    def index(self) -> Mapping[str, float]:
        """The population stability index by feature."""


class Telemetry:
    """The metrics of one watch, in a registry of their own.

    ``exposition`` gives them as text; ``ready``, ``turn_age`` and ``failing`` are what health is judged by.
    """

    def __init__(
        self,
        model: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        # The times at which series began: as many series again, and nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.ready = False
        """The logs are followed; before, the state is still being read."""
        self.failing: str | None = None
        """Why an output cannot be written now."""
        self._clock, self._wall = clock, wall
        self._turned = self._caught_up = self._checkpointed = clock()
        self._caps_acted = 0
        self._sink_failures: dict[str, int] = {}
        self._streams: set[str] = set()
        self._findings: dict[str, set[str]] = {}
        self._make_metrics(model)

    def _make_metrics(self, model: str) -> None:
        registry = self.registry
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"zeekml_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"zeekml_{name}", text, labels, registry=registry)

        gauge("build_info", "1; which zeekml and model this is", "version", "model").labels(
            __version__, _label(model)
        ).set(1)
        gauge("started_timestamp_seconds", "When the watch began").set(self._wall())
        self._baseline = gauge(
            "baseline_last_timestamp_seconds",
            "When the last connection of the site's baseline ended",
            "sha256",
        )
        self._lines = counter("lines", "Lines read: connections and rejects")
        self._rejected = counter("rejects", "Lines that could not be read")
        self._connections = counter("connections", "Connections scored", "stream")
        self._alerting = counter("alerting_connections", "Alerting connections by class", "class")
        self._notices = counter("notices", "Notices written", "note", "class")
        self._suppressed = counter("suppressed", "Alerting connections that raised no notice")
        self._logged = counter("logged", "Records written to zeekml.log")
        self._lag_bytes = gauge("lag_bytes", "Bytes that stand unread in a log", "stream")
        gauge("lag_seconds", "How long ago all that stood in the logs was scored").set_function(
            lambda: self._age(self._caught_up)
        )
        self._newest = gauge("newest_connection_timestamp_seconds", "The latest end of a connection read")
        self._seconds = Histogram(
            "zeekml_batch_seconds", "Time of a step", registry=registry, buckets=_STEP_SECONDS
        )
        gauge("turn_age_seconds", "How long ago the main loop turned").set_function(lambda: self.turn_age)
        self._hosts = gauge("hosts_held", "Hosts whose state is held")
        self._pairs = gauge("pairs_held", "Peers with their ports whose state is held")
        self._alert_hosts = gauge("alert_hosts_held", "Suspicious hosts whose evidence is held")
        self._caps = counter("caps_acted", "Hosts and peers that a limit put out")
        self._sink_errors = counter("sink_errors", "Tries that a sink failed", "sink")
        self._sink_waiting = gauge(
            "sink_waiting_bytes", "Bytes of alerts that a sink has yet to take", "sink"
        )
        self._logs = gauge("logs_followed", "Logs that are followed")
        self._logs_failing = gauge("logs_failing", "Logs that cannot be read now")
        self._sensor = gauge(
            "sensor_finding", "1 while something is wrong with a log's sensor", "stream", "finding"
        )
        self._stability = gauge(
            "feature_stability_index", "How far a feature has moved since training", "stream", "feature"
        )
        self._near = gauge("near_threshold_share", "Share of scores near the threshold", "stream")
        self._near_expected = gauge(
            "near_threshold_expected_share", "The same of held-out training connections", "stream"
        )
        self._looked_at = gauge("drift_connections", "Connections that drift is told by", "stream")
        self._journal = gauge("journal_bytes", "Length of the journal, which a start reads again")
        gauge("checkpoint_age_seconds", "How long ago a checkpoint was written").set_function(
            lambda: self._age(self._checkpointed)
        )
        self._checkpoint_seconds = gauge("checkpoint_seconds", "Time of the last checkpoint")
        self._checkpoint_bytes = gauge("checkpoint_bytes", "Size of the last checkpoint")
        self._checkpoints = counter("checkpoints", "Checkpoints written")
        self._failing = gauge("output_failing", "1 while an output cannot be written")
        self._reload_failed = gauge("reload_failed", "1 when the last reload kept the old settings")

    @property
    def turn_age(self) -> float:
        """Seconds since the main loop turned."""
        return self._age(self._turned)

    def turned(self) -> None:
        """The main loop is alive."""
        self._turned = self._clock()

    def idle(self) -> None:
        """The main loop found nothing new in any log; half a line may stand there."""
        self._turned = self._caught_up = self._clock()
        for stream in self._streams:
            self._lag_bytes.labels(stream).set(0)

    def stepped(self, step: Step) -> None:
        """A step was done, its outputs written."""
        now = self._turned = self._clock()
        if step.caught_up:
            self._caught_up = max(self._caught_up, now - step.seconds)
        self._lines.inc(sum(step.connections.values()) + step.rejects)
        self._rejected.inc(step.rejects)
        for stream, count in step.connections.items():
            self._connections.labels(_label(stream)).inc(count)
        for name, count in step.by_class.items():
            self._alerting.labels(_label(name)).inc(count)
        for (note, name), count in step.notices.items():
            self._notices.labels(note, _label(name)).inc(count)
        self._suppressed.inc(step.suppressed)
        self._logged.inc(step.logged)
        for stream, lag in step.lag_bytes.items():
            self._lag_bytes.labels(_label(stream)).set(lag)
        self._streams.update(map(_label, step.lag_bytes))
        if step.newest is not None:
            self._newest.set(step.newest)
        self._seconds.observe(step.seconds)
        self._hosts.set(step.hosts_held)
        self._pairs.set(step.pairs_held)
        self._alert_hosts.set(step.alert_hosts)
        self._journal.set(step.journal_bytes)
        # The state that is read at the start brings its count along.
        self._caps.inc(max(0, step.caps_acted - self._caps_acted))
        self._caps_acted = step.caps_acted

    def logs(self, followed: int, failing: int) -> None:
        """How many logs are followed, and how many cannot be read now."""
        self._logs.set(followed)
        self._logs_failing.set(failing)

    def checkpointed(self, seconds: float, size: int) -> None:
        """All that is remembered was written: ``size`` bytes in ``seconds``."""
        self._checkpointed = self._clock()
        self._checkpoint_seconds.set(seconds)
        self._checkpoint_bytes.set(size)
        self._checkpoints.inc()

    def sink(self, name: str, *, errors: int, waiting: int) -> None:
        """How a sink is: ``errors``: tries that failed in all; ``waiting``: bytes that it has yet to take."""
        label = _label(name)
        self._sink_errors.labels(label).inc(max(0, errors - self._sink_failures.get(label, 0)))
        self._sink_failures[label] = errors
        self._sink_waiting.labels(label).set(waiting)

    def sensor(self, stream: str, findings: Collection[str]) -> None:
        """The codes of all that is wrong with a stream's sensor now."""
        label = _label(stream)
        seen = self._findings.setdefault(label, set())
        for code in seen | set(findings):
            self._sensor.labels(label, code).set(code in findings)
        seen.update(findings)

    def drift(self, stream: str, report: Drift) -> None:
        """How far a stream is from training."""
        label = _label(stream)
        self._looked_at.labels(label).set(report.looked_at)
        self._near.labels(label).set(report.near)
        if report.near_expected is not None:
            self._near_expected.labels(label).set(report.near_expected)
        for feature, value in report.index.items():
            self._stability.labels(label, feature).set(value)

    def baseline(self, sha256: str, last: float) -> None:
        """The baseline that holds now and when its last connection ended (epoch s); "": there is none."""
        self._baseline.clear()
        if sha256:
            self._baseline.labels(sha256).set(last)

    def output(self, problem: str | None) -> None:
        """An output cannot be written, and why; None: it can again."""
        self.failing = problem
        self._failing.set(problem is not None)

    def reloaded(self, *, failed: bool) -> None:
        """The settings were read anew; ``failed``: they were wrong, the old ones hold."""
        self._reload_failed.set(failed)

    def exposition(self) -> bytes:
        """All metrics as Prometheus' text format."""
        return generate_latest(self.registry)

    def _age(self, moment: float) -> float:
        return max(0.0, self._clock() - moment)


def _label(text: str) -> str:
    """A label that can be written as UTF-8: file names need not be."""
    return text.encode("utf-8", "backslashreplace").decode()
