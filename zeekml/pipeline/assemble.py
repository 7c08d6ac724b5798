"""Puts a watch together: state folder, outputs, followed logs, signals; and takes it apart again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from zeekml.alerts import AlertEngine
from zeekml.config import Settings
from zeekml.errors import StateError
from zeekml.health import SensorHealth
from zeekml.journal.folder import OUTBOX, StateFolder, find
from zeekml.journal.outputs import COLUMNS, LiveOutputs
from zeekml.journal.rotation import OutputRotation
from zeekml.journal.snapshot import Maker, sweep_parts
from zeekml.pipeline.baselines import Baselines
from zeekml.pipeline.batch import alert_policy, drift_from
from zeekml.pipeline.checkpoints import Checkpoints
from zeekml.pipeline.dry_run import ShownOutputs
from zeekml.pipeline.feed import SinkFeed
from zeekml.pipeline.interrupts import told_by_signal
from zeekml.pipeline.live import Logs, Waits, Watch
from zeekml.pipeline.resume import Resumed, alert_settings, resume
from zeekml.pipeline.signals import LEAVE, Signals
from zeekml.pipeline.watching import Hooks, Scores, WatchOptions, WatchSummary
from zeekml.records import Rejects
from zeekml.scoring import Bundle
from zeekml.sinks.optional import optional_sinks

Follow: TypeAlias = Callable[[Mapping[str, Any], Rejects], Logs]
"""Opens the logs: positions by stream as JSON, and where rejected lines go."""

_log = logging.getLogger(__name__)


def watch_with(
    scorer: Scores,
    bundle: Bundle,
    maker: Maker,
    out: Path,
    state: Path,
    settings: Settings,
    options: WatchOptions,
    *,
    follow: Follow,
    wake: Waits,
    hooks: Hooks,
    show: Callable[[str], None],
    signals: Signals | None = None,
) -> WatchSummary:
    """Go on from ``state``, which is locked meanwhile, until told to stop; ``bundle`` gives names and thresholds.

    ``follow`` opens the logs where reading goes on; ``wake`` wakes the loop; ``show`` gets the lines of a dry
    run; ``signals`` may hold what came before. Raises ConfigError, StateError, InputError and OutputError.
    """
    health = SensorHealth()
    drift = drift_from(settings, bundle, fades=True)
    signals = signals or Signals()
    with ExitStack() as stack:
        folder: StateFolder | None = None
        outputs: LiveOutputs | ShownOutputs
        if options.dry_run:
            outputs = ShownOutputs(
                settings.score.format, model=bundle.name, classes=bundle.classes, show=show
            )
        else:
            folder = StateFolder(state)
            stack.callback(folder.close)
            sweep_parts(state)
            outputs = LiveOutputs(
                out,
                settings.score.format,
                model=bundle.name,
                classes=bundle.classes,
                rotation=OutputRotation(settings.watch.rotate_every, settings.watch.rotate_size),
            )
            stack.callback(outputs.close)
        baselines = Baselines(state, bundle, keeps=folder is not None)
        baseline = baselines.take(settings)
        engine = AlertEngine(alert_policy(settings, bundle, baseline), bundle.classes)
        found = find(state)
        resumed = resume(
            found,
            maker,
            scorer,
            engine,
            health,
            drift,
            engine_for=engine_for(settings, bundle, baselines),
            out=None if options.dry_run else out,
        )
        if resumed.number or resumed.positions:
            _log.info("going on from the state in %s, %d connections scored again", state, resumed.replayed)
            if resumed.baseline != (None if baseline is None else baseline.sha256):
                _log.info("another baseline holds from here on than when the state was written")
        if isinstance(outputs, LiveOutputs):
            _go_on(outputs, resumed)
        checkpoints = None
        if folder is not None:
            checkpoints = Checkpoints(folder, maker, found.generation, resumed.number)
            stack.callback(checkpoints.close)
        sinks = [] if folder is None else optional_sinks(settings.sinks, out)
        feed = None
        if sinks:
            feed = SinkFeed(sinks, state / OUTBOX, bundle.name, before=resumed.alerts)
            stack.callback(lambda sinks: sinks.close(signals.left(LEAVE)), feed)
        log = outputs.rejects_log
        logs = follow(
            resumed.positions,
            Rejects(lambda line: log.write(line.source, line.line, line.reason, line.text)),
        )
        stack.callback(logs.close)
        _refuse_other_logs(resumed.positions, logs.streams, state)
        stack.enter_context(told_by_signal(*_handlers(signals, wake)))
        watch = Watch(
            scorer=scorer,
            engine=engine,
            health=health,
            drift=drift,
            bundle=bundle,
            logs=logs,
            outputs=outputs,
            checkpoints=checkpoints,
            settings=settings,
            options=options,
            signals=signals,
            wake=wake,
            hooks=hooks,
            feed=feed,
            positions=resumed.positions,
            baseline=baseline,
            baselines=baselines,
            rotate_first=resumed.format is not None
            and (resumed.format, resumed.columns) != (settings.score.format, COLUMNS),
        )
        return watch.run()


def _handlers(signals: Signals, wake: Waits) -> tuple[Callable[[], None], Callable[[], None]]:
    def stop() -> None:
        signals.tell_to_stop()
        wake.wake()

    def reload() -> None:
        signals.reload.set()
        wake.wake()

    return stop, reload


def _go_on(outputs: LiveOutputs, resumed: Resumed) -> None:
    """Take over the files of the run before, and the lines that may be in files that were taken away."""
    outputs.remember(resumed.outputs)
    for each in resumed.unsure:
        if each.data and each.rename_to is None:
            _log.warning(
                "%s was moved out of its folder at a crash: its last %d bytes are written again and may be there twice",
                each.output,
                len(each.data),
            )
            outputs.add_raw(each.output, each.data)
    outputs.append(outputs.pending())
    outputs.sync_later()()


def _refuse_other_logs(before: Mapping[str, Any], now: Collection[str], state: Path) -> None:
    """A state folder that has nothing to do with these logs was named by mistake."""
    if before and now and before.keys().isdisjoint(now):
        raise StateError(
            f"{state}: this state folder belongs to other logs ({', '.join(sorted(before))}), this run follows "
            f"{', '.join(sorted(now))}; name the same logs as before, or another folder with --state"
        )


def engine_for(
    settings: Settings, bundle: Bundle, baselines: Baselines
) -> Callable[[Mapping[str, Any]], AlertEngine]:
    """Makes the engine that alerts as recorded alert settings say, with their baseline, the rest as ``settings`` do."""

    def make(facts: Mapping[str, Any]) -> AlertEngine:
        then = settings.model_copy(update={"alerts": alert_settings(facts)})
        return AlertEngine(alert_policy(then, bundle, baselines.former(facts)), bundle.classes)

    return make
