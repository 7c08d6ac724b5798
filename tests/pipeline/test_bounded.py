"""What is remembered stays bounded under a flood of spoofed originators, alike in ``score`` and ``watch``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from tests.alerts.logs import frame_of
from tests.builders import tiny_bundle
from zeekml.alerts import AlertEngine
from zeekml.arrays import Arrays, below, unpack_texts
from zeekml.config import Settings, parse_settings
from zeekml.features.state import CAP_EVERY
from zeekml.health import SensorHealth
from zeekml.pipeline.batch import alert_policy, drift_from, state_limits
from zeekml.pipeline.resume import state_of
from zeekml.scoring import Bundle, Scorer, Scores, load_bundle

MAX_HOSTS, MAX_CONTEXTS = 50, 100
BATCH = 40_000
SETTINGS = parse_settings(
    f"state: {{max_hosts: {MAX_HOSTS}, max_contexts: {MAX_CONTEXTS}}}\nalerts: {{alert_inbound: true}}",
    "test",
)
HOST_BYTES = 4096
"""More than a host takes in the snapshot, its peer and what alerting remembers of it included."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(str(tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")))


def flood(connections: int, step: int) -> Iterator[pd.DataFrame]:
    """Each connection from another originator, every second one of them local."""
    one = frame_of([{}])
    for begin in range(0, connections, step):
        number = np.arange(begin, min(connections, begin + step))
        frame = one.loc[one.index.repeat(len(number))].reset_index(drop=True)
        frame["ts"] += number * 1e-3
        names = [f"{10 if i % 2 else 100}.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in number.tolist()]
        frame["id.orig_h"] = pd.Categorical(names)
        yield frame


def alarming(scores: Scores) -> Scores:
    """As if the model thought the worst of every connection."""
    return Scores(np.full_like(scores.score, 0.999), np.ones_like(scores.class_index), scores.class_score)


def nbytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


class Held:
    """The state of a run, fed a flood."""

    def __init__(self, bundle: Bundle, settings: Settings = SETTINGS) -> None:
        self.scorer = Scorer(bundle, limits=state_limits(settings))
        self.engine = AlertEngine(alert_policy(settings, bundle), bundle.classes)
        self.health = SensorHealth()
        self.drift = drift_from(settings, bundle, fades=True)
        self.notices = 0

    def take(self, frame: pd.DataFrame) -> None:
        scores = self.scorer.score(frame, "conn.log")
        self.health.process(frame, "conn.log")
        self.drift.process(scores, "conn.log")
        self.notices += len(self.engine.process(frame, alarming(scores), "conn.log").notices)

    def reserved(self) -> tuple[int, ...]:
        """Slots for which there is memory; what alerting reserved it gives back."""
        state, runner = self.scorer._streams["conn.log"]
        assert self.engine._streams["conn.log"].hosts.capacity <= 2 * CAP_EVERY
        return state.hosts.capacity, state.pairs.capacity, runner.reserved

    def suspicious(self) -> set[str]:
        """The hosts that alerting remembers."""
        return set(unpack_texts(below("0/evidence/hosts", self.engine.export())))

    def restarted(self, bundle: Bundle) -> Held:
        """As a watch that was stopped and started again."""
        again = Held(bundle)
        again.scorer.restore(self.scorer.export())
        again.engine.restore(self.engine.export())
        again.notices = self.notices
        return again


def test_a_flood_of_originators_is_forgotten_by_the_rules(bundle: Bundle) -> None:
    held, lines, reserved = Held(bundle), 0, set()
    for frame in flood(3 * CAP_EVERY, BATCH):
        held.take(frame)
        lines += len(frame)
        slack = lines % CAP_EVERY
        assert held.scorer.hosts_held == held.engine.hosts_held == MAX_HOSTS * (lines > slack) + slack
        assert held.scorer.pairs_held <= MAX_CONTEXTS + slack
        assert nbytes(state_of(held.scorer, held.engine, held.health, held.drift)) < HOST_BYTES * (
            MAX_HOSTS + slack + 100
        )
        if lines >= 2 * CAP_EVERY:
            reserved.add(held.reserved())
    assert lines % CAP_EVERY == 0
    assert len(reserved) == 1, "slots are used again, however long it lasts"
    put_out = lines - MAX_HOSTS
    assert held.engine.caps_acted == put_out
    assert held.scorer.caps_acted == put_out
    assert held.notices >= lines, "every new host alerts, however many were before"


def test_a_watch_forgets_what_a_batch_run_forgets(bundle: Bundle) -> None:
    """Cut otherwise, and stopped and started on the way: the same state to the byte but for rounding."""
    batch, watch = Held(bundle), Held(bundle)
    for frame in flood(CAP_EVERY + 5000, CAP_EVERY):
        batch.take(frame)
    for number, frame in enumerate(flood(CAP_EVERY + 5000, 9_999)):
        watch.take(frame)
        if number in (3, 6):
            watch = watch.restarted(bundle)
    assert watch.notices == batch.notices
    expected, found = batch.scorer.export(), watch.scorer.export()
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-4, err_msg=name)
    assert watch.suspicious() == batch.suspicious()
