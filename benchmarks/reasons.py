"""Whether reasons hold: every alert has some, and taking the named facts back lowers the score.

Runs a model over labelled logs with tables of groups and known hosts, asks for the reasons of every alert, takes the
features of the named facts back to what is typical, and scores that connection anew in the same past of its host.
Writes a page with the shares, what reasons cost, and a sample of alerts, one of a host and class, beside what is known
of the host::

    python benchmarks/reasons.py --data zeek/ --document docs/reasons.md
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.labelled import logs_of, whole
from zeekml import __version__
from zeekml.config import load_settings
from zeekml.evaluation.verdicts import Judge
from zeekml.features import StateLimits, StreamState, blocks
from zeekml.networks import Network, State
from zeekml.pipeline.batch import score_with
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import Reading
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, Scorer, load_bundle
from zeekml.scoring.calibration import log_odds
from zeekml.scoring.ensemble import Ensemble
from zeekml.scoring.facts import FACTS
from zeekml.scoring.reasons import Reasons, typical_features
from zeekml.scoring.scorer import Prepared
from zeekml.scoring.scores import Scores
from zeekml.simulate import Scenario, write_traffic
from zeekml.table import Frame
from zeekml.training.captures import stem

SAMPLE = 50
SITE = 0.002
"""The share of malicious connections in the made log: about one in a thousand then alerts, as on an ordinary site."""


@dataclass(frozen=True)
class Alert:
    """One alert: where, whose, of which class, why, and by how much the log odds fall without the named facts."""

    log: str
    host: str
    class_name: str
    why: str
    fall: float


def alerts_of(path: Path, bundle: Bundle, judge: Judge) -> Iterator[Alert]:
    """The alerts of a log: alerting connections, and those that a notice was written with."""
    frame, _ = whole(path)
    verdicts = judge.judge(frame, "log")
    alerting = verdicts.alerting.copy()
    alerting[[notice.row for notice in verdicts.notices]] = True
    rows = np.flatnonzero(alerting)
    reasons = Reasons(bundle)
    typical = typical_features(bundle.encoding, bundle.reason_typical)
    hosts = frame["id.orig_h"].astype(str).to_numpy()
    for row, features, odds, past in histories(frame, rows, bundle.network, bundle):
        line, network = features[None], np.array([odds])
        changed = line.copy()
        for fact in reasons.named(line, network)[0]:
            changed[0, FACTS[fact].features] = typical[FACTS[fact].features]
        before, after = bundle.with_trees(network, line)[0], whole_odds(bundle, changed, past)
        class_name = bundle.classes[verdicts.class_index[row]]
        yield Alert(stem(path), hosts[row], class_name, reasons.texts(line, network)[0], before - after)


def histories(
    frame: pd.DataFrame, rows: NDArray[np.int64], network: Network | Ensemble, bundle: Bundle
) -> Iterator[tuple[int, NDArray[np.float32], float, State]]:
    """Each of these rows with its features, the network's log odds, and the state before it."""
    wanted, start = np.isin(np.arange(len(frame)), rows), 0
    held: dict[int, State] = {}
    for block in blocks(frame, StreamState(StateLimits())):
        for begin, end, slot, fresh in zip(
            block.runs.starts, block.runs.ends, block.slots.tolist(), block.fresh, strict=True
        ):
            mine = block.order[begin:end]
            past = network.initial(1) if fresh or slot not in held else held[slot]
            stemmed = network.stem(torch.from_numpy(bundle.encoding.encode(block.matrix[mine])))[None]
            if not wanted[start + mine].any():
                held[slot] = network.step(stemmed, past)[1]
                continue
            for at, row in enumerate(mine.tolist()):
                logits, after = network.step(stemmed[:, at : at + 1], past)
                if wanted[start + row]:
                    yield start + row, block.matrix[row], float(log_odds(logits[0].numpy())[0]), past
                past = after
            held[slot] = past
        start += len(block.order)


def whole_odds(bundle: Bundle, features: NDArray[np.float32], past: State) -> float:
    """The model's log odds of one connection (1, F) after a past."""
    stemmed = bundle.network.stem(torch.from_numpy(bundle.encoding.encode(features)))[None]
    network = log_odds(bundle.network.step(stemmed, past)[0][0].numpy())
    return float(bundle.with_trees(network, features)[0])


class OneInAThousand:
    """A scorer that takes its time, and explains one in a thousand connections of each batch, those that score highest,
    whichever it is asked for. ``seconds`` of the thread for what it does."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.seconds = {"features": 0.0, "judge": 0.0, "reasons": 0.0}
        self.explained = 0

    def features(self, frame: Frame, stream: str) -> Prepared:
        began = time.thread_time()
        found = self._scorer.features(frame, stream)
        self.seconds["features"] += time.thread_time() - began
        return found

    def judge(self, prepared: Prepared, stream: str) -> Scores:
        began = time.thread_time()
        scores = self._scorer.judge(prepared, stream)
        self.seconds["judge"] += time.thread_time() - began
        return scores

    def reasons(self, scores: Scores, rows: NDArray[np.int64]) -> list[str]:
        most = np.argsort(-scores.score, kind="stable")[: round(len(scores) / 1000)]
        began = time.thread_time()
        self._scorer.reasons(scores, most)
        self.seconds["reasons"] += time.thread_time() - began
        self.explained += len(most)
        return [""] * len(rows)

    def end_stream(self, stream: str) -> None:
        self._scorer.end_stream(stream)

    @property
    def caps_acted(self) -> int:
        return self._scorer.caps_acted


@dataclass(frozen=True)
class Cost:
    """Seconds of the processor: to score a made log from its first line to the files that come out, for the features
    and scores in that, and for the reasons of so many connections."""

    connections: int
    explained: int
    whole: float
    scores: float
    reasons: float


def cost(bundle: Bundle, folder: Path, connections: int) -> Cost:
    """What reasons cost where one connection in a thousand is explained."""
    path = folder / "conn.log"
    write_traffic(path, Scenario(connections=connections, seed=1, malicious=SITE))
    settings = load_settings(None)
    for number in range(2):  # the first time is for what is compiled and loaded
        scorer = OneInAThousand(Scorer(bundle, threads=1))
        began = time.process_time()
        with Reading([str(path)]) as reading:
            score_with(scorer, bundle, reading, folder / f"out{number}", settings, Silent(sys.stderr))
        whole = time.process_time() - began
    reasons = scorer.seconds["reasons"]
    return Cost(
        connections,
        scorer.explained,
        whole - reasons,
        scorer.seconds["features"] + scorer.seconds["judge"],
        reasons,
    )


def known_hosts(data: Path) -> dict[tuple[str, str], str]:
    """What is known of hosts, by log and address (``*``: all of the log)."""
    with (data / "hosts.csv").open(encoding="utf-8", newline="") as file:
        return {
            (line["file"], line["host"]): (
                f"infected: {line['family']}" if line["infected"] == "1" else f"clean: {line['evidence']}"
            )
            for line in csv.DictReader(file)
        }


def page(found: list[Alert], sample: list[tuple[Alert, str]], logs: int, cost: Cost, model: str) -> str:
    """The page, in Markdown."""
    held = np.mean([alert.fall > 0 for alert in found])
    without = sum(not alert.why for alert in found)
    by_group = pd.Series([alert.fall > 0 for alert in found]).groupby(
        [f"{alert.log} {alert.host} {alert.class_name}" for alert in found]
    )
    lines = "\n".join(
        f"| {alert.log} | {alert.host} | {known} | {alert.class_name} | {alert.why} | {alert.fall:.2f} |"
        for alert, known in sample
    )
    return f"""# Reasons, tried

Written by `python benchmarks/reasons.py` with zeekml {__version__} and {model}, over {logs} labelled logs. What reasons
are is said in [Models](models.md#reasons).

- Alerts: {len(found):,} connections. Without a reason: {without:,}.
- When the features of the named facts are taken back to what is typical of a benign connection, and the connection
  is scored anew in the same past of its host, the log odds fall in {held:.1%} of the alerts; as a mean over hosts
  and classes in {by_group.mean().mean():.1%}.
- Cost: {cost.reasons:.3f} s of the processor for the reasons of one connection in a thousand ({cost.explained:,}), of
  {cost.connections:,} made ones that take {cost.whole:.1f} s from a log to the files that come out:
  {cost.reasons / cost.whole:.2%}.
  Of the {cost.scores:.1f} s for features and scores alone it is {cost.reasons / cost.scores:.2%}.

## A sample

One alert of a host and class, drawn by chance, beside what is known of the host. The last column is by how much the
log odds fall without the named facts. The model was trained on most of these logs, so this shows what reasons say, not
how well it detects.

| log | host | known | class | why | fall |
| --- | --- | --- | --- | --- | --- |
{lines}
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder of labelled logs with their tables"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--document", type=Path, help="the page to write")
    parser.add_argument(
        "--connections", type=int, default=1_000_000, help="of the made log by which the cost is told"
    )
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    bundle = load_bundle(arguments.model)
    judge = Judge(bundle, load_settings(None))
    logs = [path for path, _ in logs_of(arguments.data)]
    found: list[Alert] = []
    with torch.inference_mode():
        for path in logs:
            mine = list(alerts_of(path, bundle, judge))
            found += mine
            print(f"{stem(path)}: {len(mine)} alerts, {sum(a.fall > 0 for a in mine)} fall", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            spent = cost(bundle, Path(folder), arguments.connections)
    known = known_hosts(arguments.data)
    rng = np.random.default_rng(0)
    one_each = {
        (a.log, a.host, a.class_name): a for a in rng.permutation(np.array(found, dtype=object)).tolist()
    }
    keys = sorted(one_each)
    drawn = sorted(rng.permutation(len(keys))[:SAMPLE].tolist())
    sample = [
        (one_each[keys[at]], known.get(keys[at][:2]) or known.get((keys[at][0], "*"), "nothing"))
        for at in drawn
    ]
    text = page(found, sample, len(logs), spent, f"{bundle.name} {bundle.version}")
    print(text)
    if arguments.document:
        arguments.document.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
