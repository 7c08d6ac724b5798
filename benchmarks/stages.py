"""What each stage of ``zeekml score`` costs a connection, in microseconds of processor time.

The same work as a whole run, in one process and one stage after the other, so that no stage waits for another and the
processor time of the process (all its threads) is that of the stage at work::

    python benchmarks/stages.py --connections 1000000 --malicious 0.002

In a whole run reading, scoring and writing go on beside each other, so its time is less than the sum of these.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `zeekml` does, before numpy is loaded

import numpy as np
import pandas as pd

from benchmarks.logs import Log
from zeekml.alerts import AlertEngine, Explained
from zeekml.config import load_settings
from zeekml.features import PAIR_FEATURES, StateLimits, StreamState, blocks
from zeekml.health import SensorHealth
from zeekml.pipeline.batch import alert_policy, drift_from
from zeekml.records import Rejects, discover, read_batches
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, Scorer, Scores, load_bundle
from zeekml.scoring.kernels.verdicts import verdicts
from zeekml.scoring.runners import runners_of
from zeekml.sinks import Outputs, open_outputs

STAGES = {
    "read": "read, decompress, parse and type the lines",
    "features": "features of a connection in the context of its host and pair, hosts kept together",
    "network": "encoding and network",
    "trees": "boosted trees",
    "score": "calibration and class",
    "health": "whether the sensor can be trusted",
    "drift": "whether connections are like those of training",
    "verdicts": "evidence, thresholds, notices",
    "reasons": "the words of what is written",
    "write": "zeekml.log and notice.log",
}


class Clock:
    """Processor seconds of the process, by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """What the block takes counts as this stage's."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[stage] += time.process_time() - began


@dataclass(frozen=True)
class Costs:
    """Microseconds a connection of each stage, and how many connections were alerting."""

    connections: int
    alerting: int
    explained: int
    microseconds: dict[str, float]


class Stages:
    """All that a run over one stream holds, each part called by itself."""

    def __init__(self, bundle: Bundle, outputs: Outputs, clock: Clock) -> None:
        settings = load_settings(None)
        self.bundle, self.outputs, self.clock = bundle, outputs, clock
        with_pairs = bool(bundle.features_used[PAIR_FEATURES].any())  # as the scorer decides it
        self.state = StreamState(StateLimits(), with_pairs=with_pairs)
        self.runner = runners_of(bundle, 1)()
        self.scorer = Scorer(bundle, threads=1)  # for reasons alone
        self.engine = AlertEngine(alert_policy(settings, bundle), bundle.classes)
        self.health, self.drift = SensorHealth(), drift_from(settings, bundle, fades=False)
        self.log_threshold = settings.score.log_threshold
        self.connections = self.alerting = self.explained = 0

    def score(self, frame: pd.DataFrame) -> Scores:
        """As ``Scorer.score``, stage by stage."""
        at = self.clock.at
        bundle = self.bundle
        with at("features"):
            pieces = list(blocks(frame, self.state))
            matrix = np.concatenate([block.matrix for block in pieces])
        with at("trees"):
            trees = bundle.of_trees(matrix)
        with at("network"):
            logits = np.concatenate([self.runner.logits(block) for block in pieces])
        with at("score"):
            return verdicts(logits, trees, bundle.trees_share, bundle.calibration, matrix)

    def batch(self, frame: pd.DataFrame, stream: str) -> Scores:
        """All that is done with a batch once it is read."""
        at = self.clock.at
        scores = self.score(frame)
        with at("health"):
            marks = self.health.process(frame, stream)
        with at("drift"):
            self.drift.process(scores, stream)
        with at("verdicts"):
            alerts = self.engine.process(frame, scores, stream).marked(marks.at)
            rows = np.flatnonzero(scores.score >= self.log_threshold)
            to_explain = alerts.rows_to_explain(rows)
        with at("reasons"):
            explained = Explained(to_explain, self.scorer.reasons(scores, to_explain))
        with at("write"):
            self.outputs.zeekml_log.write(frame, scores, rows, explained.where(alerts.above), alerts.notices)
            self.outputs.notice_log.write(alerts.notices, frame, explained)
        self.connections += len(frame)
        self.alerting += int(np.count_nonzero(alerts.alerting))
        self.explained += len(to_explain)
        return scores


def costs(log: Path, bundle: Bundle) -> Costs:
    """One pass over a log, the outputs thrown away."""
    (stream,) = discover([str(log)]).streams
    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="zeekml-stages-") as folder,
        open_outputs(folder, "tsv", model=bundle.name, classes=bundle.classes) as outputs,
    ):
        stages = Stages(bundle, outputs, clock)
        batches = read_batches(stream.files[0], stream.name, rejects=Rejects())
        while True:
            with clock.at("read"):
                batch = next(batches, None)
            if batch is None:
                break
            stages.batch(batch.frame, batch.stream)
        with clock.at("write"):
            outputs.commit()
    each = {stage: seconds / stages.connections * 1e6 for stage, seconds in clock.seconds.items()}
    return Costs(stages.connections, stages.alerting, stages.explained, each)


def median(found: Sequence[Costs]) -> Costs:
    """The median of each stage."""
    each = {stage: statistics.median(one.microseconds[stage] for one in found) for stage in STAGES}
    return Costs(found[0].connections, found[0].alerting, found[0].explained, each)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(
        description="Measures what each stage of zeekml score costs a connection."
    )
    parser.add_argument(
        "--connections", type=int, default=1_000_000, help="size of the made log (default 1000000)"
    )
    parser.add_argument(
        "--malicious", type=float, help="its share of malicious connections (default: by the patterns)"
    )
    parser.add_argument("--format", default="tsv", help="its format (default tsv)")
    parser.add_argument("--log", type=Path, help="a log of one's own instead")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="the model (default: the one that is shipped)")
    parser.add_argument("--repeat", type=int, default=1, help="passes; medians are taken (default 1)")
    parser.add_argument("--dir", type=Path, help="keeps the made log and uses it again")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.model)
    with tempfile.TemporaryDirectory(prefix="zeekml-stages-") as scratch:
        folder = (options.dir or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        log = options.log or Log(options.connections, options.format, options.malicious).made(folder)
        found = median([costs(log, bundle) for _ in range(options.repeat)])
    if options.json:
        print(json.dumps(asdict(found) | {"malicious": options.malicious, "repeat": options.repeat}))
        return 0
    print(f"{found.connections:,} connections, {found.alerting:,} alerting, {found.explained:,} explained")
    for stage, each in found.microseconds.items():
        print(f"{stage:<10} {each:8.3f} us  {STAGES[stage]}")
    print(f"{'all':<10} {sum(found.microseconds.values()):8.3f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
