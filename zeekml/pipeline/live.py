"""The driver behind ``zeekml watch``: logs that grow, from where the last run stopped.

A turn of the loop takes what is there, scores it, puts what follows into the journal and then into the
outputs. The logs on disk are the queue: nothing waits in memory.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from zeekml.alerts import AlertEngine, Alerts, Explained
from zeekml.alerts.notices import CONNECTION_NOTE
from zeekml.baseline import Baseline
from zeekml.config import AlertSettings, Settings
from zeekml.drift.monitor import Drift
from zeekml.errors import ConfigError, OutputError
from zeekml.health import SensorHealth
from zeekml.journal.outputs import COLUMNS, LiveOutputs
from zeekml.journal.step import Append, Step
from zeekml.pipeline.baselines import Baselines, read_again
from zeekml.pipeline.batch import alert_policy
from zeekml.pipeline.checkpoints import Checkpoints, Saved
from zeekml.pipeline.clock import SetClock
from zeekml.pipeline.dry_run import ShownOutputs
from zeekml.pipeline.resume import alert_facts, state_of
from zeekml.pipeline.signals import DRAIN, SAVE, Signals
from zeekml.pipeline.watching import Hooks, Scores, StepFacts, Tally, WatchOptions, WatchSummary
from zeekml.records import Batch
from zeekml.scoring import Bundle

PACE: Final = 0.1
"""Seconds between the beginnings of two steps that leave nothing to read: a log that grows line by line would else
cost a sync of the journal for each."""
DRIFT_EVERY: Final = 10.0
"""Seconds between two looks at the drift: it is slow."""
_MOMENT: Final = 0.05
_DRAINED: Final = 8192
"""Connections in a step of a watch that is told to stop: so many take a fraction of a second on any machine."""

_log = logging.getLogger(__name__)


class Logs(Protocol):
    """The followed logs: :class:`zeekml.sensor.FollowedLogs`, or a stand-in."""

    @property
    def streams(self) -> Collection[str]:
        """The streams being followed."""

    @property
    def positions(self) -> Mapping[str, Any]:
        """Where reading goes on, by stream, also of those that are not followed now."""

    @property
    def lag(self) -> Mapping[str, int]:
        """Bytes that are there and not read yet, by stream."""

    @property
    def caught_up(self) -> bool:
        """Whether the last poll took all that was there."""

    @property
    def problems(self) -> Mapping[str, Exception]:
        """Why logs cannot be read just now, by path."""

    def poll(self, most_rows: int) -> Sequence[Batch]:
        """What is there now, at most so many connections."""

    def folders(self) -> set[Path]:
        """Where something may happen."""

    def close(self) -> None:
        """Close the files."""


class Waits(Protocol):
    """What wakes the loop: :class:`zeekml.sensor.Wake`, or a stand-in."""

    def watch(self, folders: set[Path]) -> None:
        """Wake for what happens in these folders."""

    def wait(self, timeout: float | None = None) -> bool:
        """Return when something happened, or after a while."""

    def wake(self) -> None:
        """End the wait, or the next one."""


class Feed(Protocol):
    """What hands notices on to the optional sinks."""

    def lines(self, batch: Batch, alerts: Alerts, explained: Explained) -> list[bytes]:
        """The notices of a batch, a line each, as they go into the journal."""

    def hand_on(self, lines: Sequence[bytes]) -> None:
        """Give lines to the sinks, which may have them already."""

    def report(self, hooks: Hooks) -> None:
        """Tell how the sinks are."""

    def close(self) -> None:
        """End the sinks."""


@dataclass
class Watch:
    """One run over followed logs. ``checkpoints`` None: a dry run, nothing is kept."""

    scorer: Scores
    engine: AlertEngine
    health: SensorHealth
    drift: Drift
    bundle: Bundle
    logs: Logs
    outputs: LiveOutputs | ShownOutputs
    checkpoints: Checkpoints | None
    settings: Settings
    options: WatchOptions
    signals: Signals
    wake: Waits
    hooks: Hooks
    feed: Feed | None = None
    baseline: Baseline | None = None
    baselines: Baselines | None = None
    positions: dict[str, Any] = field(default_factory=dict)
    """Where reading goes on, as JSON, also of streams that are not followed now."""
    rotate_first: bool = False
    """The outputs that are there have another format or other columns."""
    summary: WatchSummary = field(default_factory=WatchSummary)
    _saved_positions: dict[str, Any] = field(default_factory=dict)
    _changed_settings: AlertSettings | None = None
    _export_seconds: float = 0.0
    _drift_told: float = 0.0
    _save_seconds: float = 0.0
    """What the last checkpoint took in all."""

    def run(self) -> WatchSummary:
        """Follow until told to stop, or with ``once`` until all is scored; then save the state.

        Raises OutputError when an output or the state cannot be written; the next run completes it.
        """
        try:
            self._begin()
            self._loop()
            self._end()
        except OutputError as error:
            self.hooks.output(str(error))
            raise
        return self.summary

    def _loop(self) -> None:
        stopping = False
        clock = SetClock()
        while True:
            self.hooks.beat()
            clock.look()
            began = time.monotonic()
            busy = self._turn(began)
            self._housekeeping()
            if self.signals.stop.is_set():
                if not stopping:
                    stopping = True
                    self.hooks.stopping()
                if not busy or self.signals.left(DRAIN) <= 0:
                    break
            elif not busy and self.options.once and self.logs.caught_up:
                break
            else:
                self._rest(began, busy=busy)

    def _begin(self) -> None:
        self._keep_positions()
        self._saved_positions = dict(self.positions)
        if self.checkpoints is not None:
            self.checkpoints.begin(state_of(self.scorer, self.engine, self.health, self.drift), self._facts())
        if self.baselines is not None:
            self.baselines.forget_others()
        self.hooks.baseline(self.baseline)
        if self.rotate_first:
            self._write(appends=self.outputs.due_rotations(every_one=True))
        for stream in self.health.streams:
            self.hooks.sensor(stream, self.health.standing(stream))
        self._tell_drift()
        self.hooks.ready()

    def _end(self) -> None:
        """Save the state; told to stop, only as long as there is time for it."""
        if self.checkpoints is None:
            return
        saved = self.checkpoints.finish(self._left_to_save)
        self._report_checkpoint(saved)
        if saved is None or not saved.abandoned:
            self._keep_positions()
            if self._left_to_save() > self._save_seconds:
                self._checkpoint(last=True)
                saved = self.checkpoints.finish(self._left_to_save)
                self._report_checkpoint(saved, must=True)
            else:
                saved = Saved(0.0, 0, abandoned=True)
        if saved is not None and saved.abandoned:
            _log.warning(
                "stopped without a last checkpoint, which took too long: the next start reads what the journal holds "
                "since the one before, nothing is lost"
            )

    def _left_to_save(self) -> float:
        return self.signals.left(SAVE)

    def _turn(self, began: float) -> bool:
        tally, connections, lines = Tally(), [], list[bytes]()
        rejected = self.outputs.rejects_log.lines
        most = self.settings.watch.batch_rows
        batches = self.logs.poll(min(most, _DRAINED) if self.signals.stop.is_set() else most)
        self.summary.problems = {path: str(why) for path, why in self.logs.problems.items()}
        self.hooks.logs(len(self.logs.streams), self.summary.problems)
        for batch in batches:
            connections.append((batch.stream, batch.table))
            lines += self._score(batch, tally)
        appends = self.outputs.pending()
        if not batches and not appends:
            self.hooks.idle()
            return False
        self._keep_positions()
        self._write(tuple(connections), appends, tuple(lines))
        self._tell(tally, began, self.outputs.rejects_log.lines - rejected)
        return True

    def _score(self, batch: Batch, tally: Tally) -> list[bytes]:
        """Score a batch and write what follows to the outputs' buffers; gives its lines for the sinks."""
        table = batch.table
        scores = self.scorer.score(table, batch.stream)
        marks = self.health.process(table, batch.stream)
        self.drift.process(scores, batch.stream)
        alerts = self.engine.process(table, scores, batch.stream).marked(marks.at)
        rows = np.flatnonzero(scores.score >= self.settings.score.log_threshold)
        explained_rows = alerts.rows_to_explain(rows)
        explained = Explained(explained_rows, self.scorer.reasons(scores, explained_rows))
        self.outputs.zeekml_log.write(
            table, scores, rows, explained.where(alerts.above), alerts.notices, marks
        )
        self.outputs.notice_log.write(alerts.notices, table, explained)

        tally.connections[batch.stream] += len(table)
        tally.logged += len(rows)
        by_class = np.bincount(scores.class_index[alerts.alerting], minlength=len(self.bundle.classes))
        tally.by_class += Counter(dict(zip(self.bundle.classes, by_class.tolist(), strict=True)))
        tally.notices += Counter((notice.note, notice.class_name) for notice in alerts.notices)
        tally.suppressed += int(alerts.alerting.sum())
        tally.suppressed -= sum(notice.note == CONNECTION_NOTE for notice in alerts.notices)
        ends = table.number("ts") + np.nan_to_num(table.number("duration"), nan=0.0)
        tally.newest = max(tally.newest or 0.0, float(ends.max(initial=0.0)))
        return [] if self.feed is None else self.feed.lines(batch, alerts, explained)

    def _write(
        self, connections: tuple[Any, ...] = (), appends: Sequence[Append] = (), lines: tuple[bytes, ...] = ()
    ) -> None:
        """The journal first, and what it says only when it is on the disk."""
        changed, self._changed_settings = self._changed_settings, None
        step = Step(
            number=0,  # given by the checkpoints
            positions=self.positions,
            connections=connections,
            appends=tuple(appends),
            alerts=lines,
            outputs=dict(self.outputs.known),
            alert_settings=None if changed is None else alert_facts(changed, self.baseline),
        )
        if self.checkpoints is not None:
            self.checkpoints.record(step)
        self.outputs.append(appends)
        if self.feed is not None:
            self.feed.hand_on(lines)

    def _housekeeping(self) -> None:
        if self.signals.reload.is_set():
            self.signals.reload.clear()
            self._reload()
        if self.feed is not None:
            self.feed.report(self.hooks)
        rotations = self.outputs.due_rotations()
        if rotations:
            self._write(appends=rotations)
        if self.checkpoints is None:
            return
        self._report_checkpoint(self.checkpoints.saved())
        if self.checkpoints.is_due(self.settings.watch.checkpoint_every) and self._has_moved():
            self._checkpoint()

    def _rest(self, began: float, *, busy: bool) -> None:
        if busy:
            if self.logs.caught_up:
                time.sleep(max(0.0, began + PACE - time.monotonic()))
            return
        self.wake.watch(self.logs.folders())
        self.wake.wait(self.settings.watch.poll if self.logs.caught_up else _MOMENT)

    def _reload(self) -> None:
        """SIGHUP: the outputs are opened anew, allowlist and baseline are read again."""
        self.outputs.reopen()
        problem = None
        if self.options.config is None and self.options.baseline is None:
            _log.info("the outputs are opened anew; there is no --config to read the allowlist from")
        else:
            try:
                settings = read_again(self.settings, self.options)
                baseline = None if self.baselines is None else self.baselines.take(settings)
                self.engine.reload(alert_policy(settings, self.bundle, baseline))
            except (ConfigError, OutputError) as error:
                problem = str(error)
                _log.error("the settings are wrong, allowlist and baseline stay as they were: %s", problem)
            else:
                self.settings, self.baseline = settings, baseline
                self._changed_settings = settings.alerts
                self._write()
                _log.info("the allowlist is read again: %d entries", len(settings.alerts.allowlist))
                self.hooks.baseline(baseline)
        self.hooks.reloaded(problem)

    def _keep_positions(self) -> None:
        self.positions |= {stream: each.to_json() for stream, each in self.logs.positions.items()}

    def _has_moved(self) -> bool:
        """Whether there is anything that the last snapshot does not hold."""
        self._keep_positions()
        return self.positions != self._saved_positions

    def _checkpoint(self, *, last: bool = False) -> None:
        """Begin a snapshot. While the watch goes on, the state is copied first; at its end nothing changes it any more,
        and the copying of a large one can be abandoned as well."""
        if self.checkpoints is None:
            return
        self._saved_positions = dict(self.positions)
        self.outputs.write_drift(self.drift.reports())
        export = partial(state_of, self.scorer, self.engine, self.health, self.drift)
        self._export_seconds = 0.0
        if not last:
            began = time.monotonic()
            state = export()
            self._export_seconds = time.monotonic() - began
            export = partial(dict, state)
        self.checkpoints.start(export, self._facts(), self.outputs.sync_later())

    def _facts(self) -> dict[str, Any]:
        return {
            "positions": dict(self.positions),
            "outputs": dict(self.outputs.known),
            "format": self.settings.score.format,
            "columns": COLUMNS,
            "alerts": alert_facts(self.settings.alerts, self.baseline),
        }

    def _report_checkpoint(self, saved: Saved | None, *, must: bool = False) -> None:
        if saved is None or saved.abandoned:
            return
        if saved.problem is None:
            self._save_seconds = self._export_seconds + saved.seconds
            self.hooks.output(None)
            self.hooks.checkpointed(saved.seconds, saved.size)
            return
        if must:
            raise saved.problem
        self.hooks.output(f"no checkpoint could be written, the journal holds everything: {saved.problem}")

    def _tell_drift(self) -> None:
        self._drift_told = time.monotonic()
        for stream in self.drift.streams:
            self.hooks.drift(stream, self.drift.standing(stream))

    def _tell(self, tally: Tally, began: float, rejects: int) -> None:
        summary = self.summary
        connections = tally.connections.total()
        summary.steps += 1
        summary.connections += connections
        summary.logged += tally.logged
        summary.rejects += rejects
        summary.notices += tally.notices
        for stream in tally.connections:
            self.hooks.sensor(stream, self.health.standing(stream))
        if time.monotonic() - self._drift_told >= DRIFT_EVERY:
            self._tell_drift()
        self.hooks.stepped(
            StepFacts(
                seconds=time.monotonic() - began,
                connections=dict(tally.connections),
                by_class=dict(tally.by_class),
                notices=dict(tally.notices),
                logged=tally.logged,
                rejects=rejects,
                suppressed=tally.suppressed,
                lag_bytes=dict(self.logs.lag),
                lag_seconds=None if tally.newest is None else time.time() - tally.newest,
                newest=tally.newest,
                hosts_held=self.scorer.hosts_held,
                pairs_held=self.scorer.pairs_held,
                alert_hosts=self.engine.hosts_held,
                caps_acted=self.scorer.caps_acted + self.engine.caps_acted,
                caught_up=self.logs.caught_up,
                journal_bytes=0 if self.checkpoints is None else self.checkpoints.journal_bytes,
            )
        )
