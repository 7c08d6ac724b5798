"""Reads the metrics and the health of a running watch and says them for people."""

from __future__ import annotations

import datetime as dt
import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from zeekml.drift.report import DriftReport
from zeekml.operations.server import split_address

_PATIENCE: Final = 5.0  # seconds
_LARGEST_ANSWER: Final = 16 << 20  # bytes; a watch of a thousand logs stays far below

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a watch said of itself. ``values``: by metric and its labels; ``problems``: empty when it is well."""

    values: dict[str, dict[Labels, float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def total(self, name: str) -> float:
        """The sum over all labels; 0 for a metric that is not there."""
        return sum(self.values.get(name, {}).values())

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """The values by one label, summed over the others, the largest first."""
        sums: dict[str, float] = {}
        for labels, value in self.values.get(name, {}).items():
            key = dict(labels).get(label, "")
            sums[key] = sums.get(key, 0.0) + value
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def label(self, name: str, label: str) -> str:
        """A label of a metric that has one series; "" where it is not there."""
        return next((dict(labels).get(label, "") for labels in self.values.get(name, {})), "")


def read_watch(listen: str) -> Reading | str:
    """Ask the watch that serves at ``listen``; a text says why there is no answer."""
    try:
        metrics = _ask(listen, "/metrics")
        if metrics[0] != http.HTTPStatus.OK or "\nzeekml_build_info{" not in metrics[1]:
            return f"what listens on {listen} is no watch of zeekml"
        health = _ask(listen, "/healthz")
        values: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(metrics[1]):
            for sample in family.samples:
                values.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    except ConnectionRefusedError:
        return (
            f"no watch runs here: nothing listens on {listen}. Start one with zeekml watch, or name the address "
            "of its metrics with --listen or --config."
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"what listens on {listen} does not answer as a watch does: {error or type(error).__name__}"
    return Reading(values, [] if health[0] == http.HTTPStatus.OK else health[1].splitlines())


def describe(reading: Reading, now: float) -> Iterator[tuple[str, str]]:
    """Name and value of each line to show; ``now``: epoch seconds."""
    total = reading.total
    started = total("zeekml_started_timestamp_seconds")
    yield "running", f"{_span(now - started)}, since {_moment(started)}"
    yield "health", "well" if not reading.problems else reading.problems[0]
    for problem in reading.problems[1:]:
        yield "", problem
    yield "model", reading.label("zeekml_build_info", "model")
    yield "baseline", _baseline(reading)
    yield "logs", _logs(reading)
    yield "connections", f"{total('zeekml_connections_total'):,.0f}"
    yield "rejected lines", f"{total('zeekml_rejects_total'):,.0f}"
    yield "alerting connections", f"{total('zeekml_alerting_connections_total'):,.0f}"
    yield from _indented(reading.by_label("zeekml_alerting_connections_total", "class"), "{:,.0f}".format)
    yield "notices", f"{total('zeekml_notices_total'):,.0f}"
    yield from _indented(reading.by_label("zeekml_notices_total", "note"), "{:,.0f}".format)
    yield "alerts suppressed", f"{total('zeekml_suppressed_total'):,.0f}"
    yield "behind", f"{_size(total('zeekml_lag_bytes'))}, {_span(total('zeekml_lag_seconds'))}"
    if newest := total("zeekml_newest_connection_timestamp_seconds"):
        yield "newest connection", _moment(newest)
    yield "batch time", _mean(total("zeekml_batch_seconds_sum"), total("zeekml_batch_seconds_count"))
    yield "hosts held", f"{total('zeekml_hosts_held'):,.0f}"
    yield "pairs held", f"{total('zeekml_pairs_held'):,.0f}"
    yield "hosts and peers put out by limits", f"{total('zeekml_caps_acted_total'):,.0f}"
    checkpoint = f"{_span(total('zeekml_checkpoint_age_seconds'))} ago"
    yield "last checkpoint", checkpoint if total("zeekml_checkpoints_total") else "none yet"
    yield from _sensors(reading)
    yield from _drift(reading)
    if total("zeekml_reload_failed"):
        yield "settings", "the last reload failed, the former settings hold: see the log"
    for name, errors in reading.by_label("zeekml_sink_errors_total", "sink").items():
        waiting = reading.by_label("zeekml_sink_waiting_bytes", "sink").get(name, 0.0)
        yield f"sink {name}", f"{errors:,.0f} errors, {_size(waiting)} waiting"
    yield "memory", _size(total("process_resident_memory_bytes"))


def _ask(listen: str, path: str) -> tuple[int, str]:
    """Status and text of an answer; no proxy stands between."""
    connection = http.client.HTTPConnection(*split_address(listen), timeout=_PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST_ANSWER).decode("utf-8", "replace")
    finally:
        connection.close()


def _baseline(reading: Reading) -> str:
    sha256 = reading.label("zeekml_baseline_last_timestamp_seconds", "sha256")
    if not sha256:
        return "none"
    last = reading.total("zeekml_baseline_last_timestamp_seconds")
    return f"{sha256[:16]}, learned up to {_moment(last)}"


def _logs(reading: Reading) -> str:
    failing = reading.total("zeekml_logs_failing")
    text = f"{reading.total('zeekml_logs_followed'):,.0f} followed"
    return f"{text}, {failing:,.0f} cannot be read: see the log" if failing else text


def _sensors(reading: Reading) -> Iterator[tuple[str, str]]:
    """What is wrong with the sensors of the logs, a line each."""
    for labels, value in sorted(reading.values.get("zeekml_sensor_finding", {}).items()):
        if value:
            told = dict(labels)
            yield "sensor", f"{told.get('finding', '')} in {told.get('stream', '')}: see the log"


def _drift(reading: Reading) -> Iterator[tuple[str, str]]:
    """How far each log is from training, a line each."""
    index: dict[str, list[tuple[float, str]]] = {}
    for labels, value in reading.values.get("zeekml_feature_stability_index", {}).items():
        told = dict(labels)
        index.setdefault(told.get("stream", ""), []).append((value, told.get("feature", "")))
    expected = reading.by_label("zeekml_near_threshold_expected_share", "stream")
    for stream, near in sorted(reading.by_label("zeekml_near_threshold_share", "stream").items()):
        pairs = sorted(index.get(stream, []), key=lambda pair: (-pair[0], pair[1]))
        report = DriftReport(0, near, expected.get(stream), {name: value for value, name in pairs})
        yield "drift", f"{stream}: {report.words()}"


def _indented(values: dict[str, float], show: Callable[[float], str]) -> Iterator[tuple[str, str]]:
    return ((f"  {name}", show(value)) for name, value in values.items())


def _mean(total: float, count: float) -> str:
    return f"{1000 * total / count:,.0f} ms on average, {count:,.0f} batches" if count else "no batch yet"


def _moment(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, dt.UTC).astimezone().isoformat(" ", "seconds")


def _span(seconds: float) -> str:
    """A time in its two largest units."""
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {int(seconds) % 60} s"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}"
        count /= 1024
    return f"{count:,.1f} GiB"
