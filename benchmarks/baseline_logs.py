"""What the benchmarks of baselines have in common: labelled logs in halves, their baselines, levels, and the command.

Each log is scored once. The first half of every benign log of a group is the group's baseline; the second halves are
there to be judged.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.labelled import logs_of, whole
from benchmarks.pages import written
from zeekml import __version__
from zeekml.alerts import AlertPolicy
from zeekml.baseline.content import Baseline
from zeekml.baseline.gather import Gathered
from zeekml.baseline.learn import learn
from zeekml.baseline.usual import Asked, Words
from zeekml.config import load_settings
from zeekml.pipeline.baseline import model_of
from zeekml.pipeline.batch import alert_policy
from zeekml.records import BATCH_ROWS
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, Scorer, load_bundle
from zeekml.scoring.scores import Scores
from zeekml.training.captures import known_hosts, stem

HOST_SHARES = (4.0, 16.0)
"""By how much the model's own host threshold is divided, for more false alerts to count."""
FLOORS = (0.5, 0.2)
"""Evidence floors (scores) below the model's own, for the same."""


@dataclass(frozen=True)
class Log:
    """A log's connections that score high enough to count at any level (N rows), with their scores.

    ``is_late`` (N,): of the later half of the whole log. ``spans``: when the first connection of each half began and
    its last one ended (epoch s). ``infected``: hosts known to be; ``clean``: every local host is.
    """

    name: str
    group: str
    frame: pd.DataFrame
    scores: Scores
    is_late: np.ndarray
    spans: tuple[tuple[float, float], tuple[float, float]]
    infected: tuple[str, ...]
    clean: bool

    def part(self, rows: np.ndarray) -> tuple[pd.DataFrame, Scores]:
        """Some rows as a batch of their own."""
        scores = self.scores
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return frame, Scores(scores.score[rows], scores.class_index[rows], scores.class_score[rows])

    @property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the earlier and of the later half."""
        return np.flatnonzero(~self.is_late), np.flatnonzero(self.is_late)

    @classmethod
    def of(cls, name: str, group: str, frame: pd.DataFrame, scores: Scores, known: Mapping[str, bool]) -> Log:
        """Keep what can count of a whole log."""
        late = np.ones(len(frame), dtype=np.bool_)
        late[np.argsort(frame["ts"].to_numpy(), kind="stable")[: len(frame) // 2]] = False
        ends = (frame["ts"] + frame["duration"].fillna(0.0)).to_numpy()
        early, later = ((float(frame["ts"][half].min()), float(ends[half].max())) for half in (~late, late))
        kept = np.flatnonzero(scores.score >= min(FLOORS))
        infected = tuple(sorted(host for host, bad in known.items() if bad))
        return cls(
            name,
            group,
            frame.iloc[kept].reset_index(drop=True),
            Scores(scores.score[kept], scores.class_index[kept], scores.class_score[kept]),
            late[kept],
            (early, later),
            infected,
            known.get("*") is False,
        )


def read_logs(data: Path, bundle: Bundle) -> list[Log]:
    """Every log of the table of groups, scored from its start to its end."""
    hosts = known_hosts(data / "hosts.csv")
    scorer, logs = Scorer(bundle, threads=1), []
    for path, group in logs_of(data):
        frame, stream = whole(path)
        cuts = range(0, len(frame), BATCH_ROWS)
        parts = [scorer.score(frame.iloc[at : at + BATCH_ROWS].reset_index(drop=True), stream) for at in cuts]
        scorer.end_stream(stream)
        scores = Scores(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.class_index for part in parts]),
            np.concatenate([part.class_score for part in parts]),
        )
        logs.append(Log.of(stem(path), group, frame, scores, hosts.get(stem(path), {})))
        print(f"scored {stem(path)}", flush=True)
    return logs


def by_group(logs: Sequence[Log]) -> dict[str, list[Log]]:
    """The benign logs, by group."""
    groups: dict[str, list[Log]] = {}
    for log in logs:
        if log.clean:
            groups.setdefault(log.group, []).append(log)
    return groups


def baseline_of(logs: Sequence[Log], bundle: Bundle, policy: AlertPolicy) -> Baseline:
    """What `zeekml baseline` would learn of the earlier halves, with the policy's thresholds as the model's own.

    But the lists of peers and ports, which verdicts do not go by, hold suspicious connections alone."""
    asked = Asked()
    gathered = Gathered(policy, sure_score=asked.sure_score, sure_connections=asked.sure_connections)
    for log in logs:
        if len(log.halves[0]):
            gathered.add(*log.part(log.halves[0]), log.name)
    gathered.first = min(log.spans[0][0] for log in logs)
    gathered.last = max(log.spans[0][1] for log in logs)
    return learn(
        gathered,
        policy,
        asked,
        Words(),
        model=model_of(bundle),
        logs=len(logs),
        made=0.0,
        version=__version__,
    )


def changes(baseline: Baseline) -> bool:
    """Whether a baseline can change a verdict."""
    ordinary, limits = baseline.ordinary(), baseline.thresholds
    own = all(limit.value == limit.model for limit in (limits.host, limits.connection))
    return bool(len(ordinary) or ordinary.evidence) or not own


def ordinary_hosts(baseline: Baseline) -> list[str]:
    """The hosts behind which something could hide: all of which anything is usual; any address where there is none."""
    ordinary = baseline.ordinary()
    known = {key[0] for key in ordinary.peers} | {key[0] for key in ordinary.failing} | {*ordinary.evidence}
    return sorted(known) or ["192.168.1.2"]


def laid_on(log: Log, infected: str, host: str) -> tuple[pd.DataFrame, Scores]:
    """The connections of an infected host, with the address of another one."""
    rows = np.flatnonzero((log.frame["id.orig_h"] == infected).to_numpy(dtype=bool))
    frame, scores = log.part(rows)
    frame["id.orig_h"] = pd.Series(pd.Categorical([host] * len(frame)), index=frame.index)
    frame["local_orig"] = pd.Series(True, index=frame.index, dtype="boolean")
    return frame, scores


def levels(policy: AlertPolicy) -> Iterator[tuple[str, AlertPolicy]]:
    """The shipped thresholds, and lower ones, at which there is more to count."""
    yield "the model's own", policy
    for share in HOST_SHARES:
        lower = policy.host_threshold / share
        yield f"host threshold {lower:.1f}", replace(policy, host_threshold=lower)
    for floor in FLOORS:
        if floor < policy.evidence_floor:
            lower = policy.host_threshold / HOST_SHARES[-1]
            yield (
                f"evidence from a score of {floor}, host threshold {lower:.1f}",
                replace(policy, evidence_floor=floor, host_threshold=lower),
            )


def cells(*cells: object) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


Page = Callable[[Sequence[Log], Bundle, AlertPolicy], str]
"""Tries what a benchmark is about on logs, with a model and its own policy, and gives its figures in Markdown."""


def command(words: str | None, page: Page, marks: tuple[str, str], argv: Sequence[str] | None = None) -> int:
    """A whole benchmark, by its command line: scores the logs, prints the figures, and writes them between the marks of
    a page where one is asked for."""
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder of labelled logs with their tables"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--document", type=Path, help="the page to write the figures into, between its marks")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    bundle = load_bundle(arguments.model)
    logs = read_logs(arguments.data, bundle)
    text = page(logs, bundle, alert_policy(load_settings(None), bundle))
    print(text)
    if arguments.document:
        written(arguments.document, text, *marks)
    return 0
