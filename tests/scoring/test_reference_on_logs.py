"""On real logs, scores and verdicts are those of PyTorch's float32 network and of the plain trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from zeekml.alerts import AlertEngine
from zeekml.config import Settings
from zeekml.pipeline.batch import alert_policy
from zeekml.records import Rejects, discover, join, read_batches
from zeekml.scoring import Bundle, Scorer, Scores, load_bundle
from zeekml.scoring.calibration import class_shares, log_odds
from zeekml.scoring.runner import Runner
from zeekml.scoring.scorer import Prepared
from zeekml.scoring.trees import pooled

CLOSE = 1e-3
"""By how much a score may differ."""


class Plain(Scorer):
    """A scorer whose every step after the features is the one that defines it."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._plain = bundle
        self._start_runner = lambda: Runner(bundle.network, bundle.encoding)

    def judge(self, prepared: Prepared, stream: str) -> Scores:
        bundle = self._plain
        runner = self._stream(stream)[1]
        logits = np.concatenate([runner.logits(block) for block in prepared.blocks])
        matrix = np.concatenate([block.matrix for block in prepared.blocks])
        odds = log_odds(logits)
        assert bundle.trees is not None
        assert bundle.manifest.trees is not None
        both = pooled(odds, bundle.trees.log_odds(matrix), bundle.manifest.trees.share)
        score = bundle.calibration.score(both)
        kind, share = class_shares(logits)
        return Scores(score.astype(np.float32), kind, (score * share).astype(np.float32), matrix, odds)


def verdicts(scorer: Scorer, frame: pd.DataFrame, bundle: Bundle) -> tuple[Scores, list[tuple[object, ...]]]:
    """Scores, and what each notice says."""
    scores = scorer.score(frame, "log")
    engine = AlertEngine(alert_policy(Settings(), bundle), bundle.classes)
    alerts = engine.process(frame, scores, "log")
    return scores, [(n.row, n.note, n.class_name, n.n, n.peers, n.ports) for n in alerts.notices]


def test_scores_and_verdicts_are_those_of_the_reference(shared_data: Path) -> None:
    bundle = load_bundle("conn-1-res")
    logs = sorted(
        path for part in ("zeek", "suricata", "made") for path in (shared_data / part).rglob("*.gz")
    )
    assert len(logs) > 100
    connections, near = 0, []
    for path in logs:
        (stream,) = discover([str(path)]).streams
        frame = join([batch.frame for batch in read_batches(stream.files[0], "log", rejects=Rejects())])
        scores, notices = verdicts(Scorer(bundle), frame, bundle)
        plain, expected = verdicts(Plain(bundle), frame, bundle)
        connections += len(frame)
        np.testing.assert_allclose(scores.score, plain.score, rtol=0, atol=CLOSE, err_msg=path.name)
        if notices != expected:
            near.append(path.name)
            continue
        assert (scores.class_index[scores.score > 0.5] == plain.class_index[scores.score > 0.5]).all(), (
            path.name
        )
    assert connections > 180_000
    # A score within the tolerance of a threshold may fall either way; it is rare.
    assert len(near) <= 1, near
