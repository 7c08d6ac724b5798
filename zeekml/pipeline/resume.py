"""Going on from a state folder: the newest snapshot, and on it the steps of the journals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zeekml.alerts import AlertEngine
from zeekml.arrays import Arrays, below, under
from zeekml.baseline import Baseline
from zeekml.config import AlertSettings
from zeekml.drift.monitor import Drift
from zeekml.errors import StateError
from zeekml.health import SensorHealth
from zeekml.journal.folder import Found
from zeekml.journal.recovery import Completion
from zeekml.journal.snapshot import Maker, load_snapshot
from zeekml.journal.step import Append, Step
from zeekml.pipeline.baselines import SHA256
from zeekml.pipeline.watching import Scores


@dataclass(slots=True)
class Resumed:
    """Where a watch goes on.

    ``positions`` by stream, as JSON; ``outputs``: device, inode and begin of the output files in use; their
    ``format``, and their ``columns`` by name; ``number`` of the last step; ``unsure``: what the last step was to append
    to files that are no longer there; ``alerts``: lines for the optional sinks, which may have them already;
    ``baseline``: SHA-256 of the one that held last.
    """

    positions: dict[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    columns: Mapping[str, Any] | None = None
    number: int = 0
    unsure: list[Append] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    replayed: int = 0
    baseline: str | None = None


def alert_facts(settings: AlertSettings, baseline: Baseline | None = None) -> dict[str, Any]:
    """Alert settings as JSON, for snapshots and journals, with the SHA-256 of the baseline that holds with them."""
    facts: dict[str, Any] = settings.model_dump(mode="json", exclude_unset=True)
    return facts if baseline is None else {**facts, SHA256: baseline.sha256}


def alert_settings(facts: Mapping[str, Any]) -> AlertSettings:
    """Alert settings from a snapshot or a journal; StateError when they are of another version."""
    own = {name: value for name, value in facts.items() if name != SHA256}
    try:
        return AlertSettings.model_validate_json(json.dumps(own))
    except ValueError as error:
        raise StateError(
            f"the state was made with alert settings that are not understood ({error}); name a new state folder"
        ) from error


def state_of(scorer: Scores, engine: AlertEngine, health: SensorHealth, drift: Drift) -> Arrays:
    """The state of scoring, alerting and looking at sensors and drift as a snapshot has it."""
    scored, alerted = under("scorer", scorer.export()), under("alerts", engine.export())
    return scored | alerted | under("sensor", health.export()) | under("drift", drift.export())


def resume(
    found: Found,
    maker: Maker,
    scorer: Scores,
    engine: AlertEngine,
    health: SensorHealth,
    drift: Drift,
    *,
    engine_for: Callable[[Mapping[str, Any]], AlertEngine],
    out: Path | None,
) -> Resumed:
    """Bring scorer, engine, health and drift to where the state folder was, and the outputs in ``out`` with them.

    The steps of the journals are scored again, under the alert settings that held then, for their effect on
    the state (``engine_for`` gives the engine of what `alert_facts` recorded); the outputs get the bytes that stand in
    the journal, where they lack them. ``out`` None: the
    outputs are left alone. Raises StateError and OutputError.
    """
    if found.snapshot is None:
        return Resumed()
    snapshot = load_snapshot(found.snapshot, maker)
    if snapshot is None:
        raise StateError(f"{found.snapshot} is gone: is another zeekml watch running with this state folder?")
    try:
        resumed = Resumed(
            dict(snapshot.facts["positions"]),
            snapshot.facts["outputs"],
            snapshot.facts["format"],
            snapshot.facts.get("columns"),
            snapshot.facts["step"],
        )
        settings = snapshot.facts["alerts"]
        resumed.baseline = settings.get(SHA256)
    except KeyError as error:
        raise StateError(f"{found.snapshot} lacks {error}: it was made by another zeekml") from error
    scorer.restore(below("scorer", snapshot.arrays))
    health.restore(below("sensor", snapshot.arrays))
    drift.restore(below("drift", snapshot.arrays))
    former = engine_for(settings)
    former.restore(below("alerts", snapshot.arrays))
    completion = None if out is None else Completion(out)
    try:
        for step in found.steps():
            former = _replay(step, resumed, scorer, former, health, drift, engine_for)
            if completion is not None:
                resumed.unsure = completion.complete(step.appends)
        if completion is not None:
            completion.finish()
    finally:
        if completion is not None:
            completion.close()
    engine.restore(former.export())
    return resumed


def _replay(
    step: Step,
    resumed: Resumed,
    scorer: Scores,
    engine: AlertEngine,
    health: SensorHealth,
    drift: Drift,
    engine_for: Callable[[Mapping[str, Any]], AlertEngine],
) -> AlertEngine:
    if step.number != resumed.number + 1:
        raise StateError(
            f"step {step.number} of the journal follows step {resumed.number}: a journal is missing; put back a copy "
            "of the state folder, or name a new one with --state"
        )
    if step.alert_settings is not None:
        after = engine_for(step.alert_settings)
        resumed.baseline = step.alert_settings.get(SHA256)
        after.restore(engine.export())
        engine = after
    for stream, table in step.connections:
        scores = scorer.score(table, stream)
        engine.process(table, scores, stream)
        health.process(table, stream)
        drift.process(scores, stream)
        resumed.replayed += len(table)
    resumed.number = step.number
    resumed.positions |= step.positions
    resumed.outputs = step.outputs
    resumed.alerts += step.alerts
    return engine
