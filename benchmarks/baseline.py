"""What a baseline is worth: false host alerts with and without one, and whether infected hosts are found as before.

Reads labelled logs with their tables of groups and known hosts, and scores each log once. The first half of every
benign log of a group is the group's baseline, the second halves are judged with it and without. Infected hosts are
judged after the baseline of every benign group, in the place of each of that group's hosts of which anything is
ordinary; and, the harder case, with the first half of their own log as the baseline. Writes the figures into a page,
between two marks::

    python benchmarks/baseline.py --data zeek/ --document docs/baseline.md
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from zeekml import __version__
from zeekml.alerts import HOST_NOTE, AlertEngine, AlertPolicy
from zeekml.baseline.content import Baseline
from zeekml.baseline.gather import Gathered
from zeekml.baseline.learn import learn
from zeekml.baseline.usual import Asked, Words
from zeekml.config import load_settings
from zeekml.pipeline.baseline import model_of
from zeekml.pipeline.batch import BATCH_ROWS, alert_policy
from zeekml.records import Rejects, discover, join, read_batches
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, Scorer, load_bundle
from zeekml.scoring.scores import Scores
from zeekml.training.captures import known_hosts, stem

COLUMNS = (
    "thresholds",
    "false host alerts",
    "with a baseline",
    "clean hosts named",
    "with a baseline",
    "infected found",
    "lost after a clean site's",
    "found in their second half",
    "lost after their first",
)
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
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
    with (data / "groups.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        path = data / row["file"]
        (stream,) = discover([str(path)]).streams
        frame = join([batch.frame for batch in read_batches(stream.files[0], stream.name, rejects=Rejects())])
        cuts = range(0, len(frame), BATCH_ROWS)
        parts = [
            scorer.score(frame.iloc[at : at + BATCH_ROWS].reset_index(drop=True), stream.name) for at in cuts
        ]
        scorer.end_stream(stream.name)
        scores = Scores(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.class_index for part in parts]),
            np.concatenate([part.class_score for part in parts]),
        )
        logs.append(Log.of(stem(path), row["group"], frame, scores, hosts.get(stem(path), {})))
        print(f"scored {stem(path)}", flush=True)
    return logs


def by_group(logs: Sequence[Log]) -> dict[str, list[Log]]:
    """The benign logs."""
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


def applied(policy: AlertPolicy, baseline: Baseline) -> AlertPolicy:
    """The policy with a baseline, as the settings would have it."""
    return replace(
        policy,
        ordinary=baseline.ordinary(),
        connection_threshold=baseline.thresholds.connection.value,
        host_threshold=baseline.thresholds.host.value,
    )


def host_notices(
    frame: pd.DataFrame, scores: Scores, policy: AlertPolicy, classes: Sequence[str]
) -> list[str]:
    """The host of each host notice."""
    alerts = AlertEngine(policy, classes).process(frame, scores, "log")
    rows = [notice.row for notice in alerts.notices if notice.note == HOST_NOTE]
    return frame["id.orig_h"].iloc[rows].astype(str).tolist()


@dataclass(frozen=True)
class Counts:
    """False host alerts of one group: notices, and hosts of a log named; without a baseline and with it."""

    group: str
    notices: tuple[int, int]
    hosts: tuple[int, int]


def false_alerts(
    groups: Mapping[str, list[Log]], baselines: Mapping[str, Baseline], bundle: Bundle, policy: AlertPolicy
) -> Iterator[Counts]:
    """The benign groups' second halves."""
    for group, logs in groups.items():
        with_it = applied(policy, baselines[group])
        found = [
            [host_notices(*log.part(log.halves[1]), each, bundle.classes) for log in logs]
            for each in (policy, with_it)
        ]
        notices = tuple(sum(map(len, each)) for each in found)
        hosts = tuple(sum(len(set(hosts)) for hosts in each) for each in found)
        yield Counts(group, (notices[0], notices[1]), (hosts[0], hosts[1]))


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


@dataclass(frozen=True)
class Found:
    """Infected hosts. ``places``: baselines of benign groups that change anything.

    ``hosts``: of those, in whose places infected ones were put. ``without``: named without a baseline.
    ``lost_after``: not named in the place of a host of some benign group, after its baseline, with the groups.
    ``late``: named without a baseline in the second half of their own log; ``lost_late``: not named there with its
    first half as the baseline.
    """

    without: tuple[str, ...]
    lost_after: Mapping[str, tuple[str, ...]]
    places: int
    hosts: int
    late: tuple[str, ...]
    lost_late: tuple[str, ...]


def infected_hosts(
    logs: Sequence[Log], baselines: Mapping[str, Baseline], bundle: Bundle, policy: AlertPolicy
) -> Found:
    """Judge every infected host without a baseline, after those of the benign groups, and after its own."""
    without, late, lost_late = [], [], []
    lost_after: dict[str, tuple[str, ...]] = {}
    places = {
        group: (ordinary_hosts(each), applied(policy, each))
        for group, each in baselines.items()
        if changes(each)  # the others change no verdict
    }
    for log in logs:
        if not log.infected:
            continue
        own = applied(policy, baseline_of([log], bundle, policy))
        second = log.part(log.halves[1])
        before = set(host_notices(*second, policy, bundle.classes))
        after = set(host_notices(*second, own, bundle.classes))
        for infected in log.infected:
            name = f"{log.name} {infected}"
            if infected in before:
                late.append(name)
                if infected not in after:
                    lost_late.append(name)
            if not host_notices(*laid_on(log, infected, infected), policy, bundle.classes):
                continue
            without.append(name)
            lost = [
                group
                for group, (hosts, with_it) in places.items()
                if not all(
                    host_notices(*laid_on(log, infected, host), with_it, bundle.classes) for host in hosts
                )
            ]
            if lost:
                lost_after[name] = tuple(lost)
    hosts = sum(len(mine) for mine, _ in places.values())
    return Found(tuple(without), lost_after, len(places), hosts, tuple(late), tuple(lost_late))


@dataclass(frozen=True)
class Level:
    """One setting of the thresholds, in words, and what it came to."""

    words: str
    counts: list[Counts]
    found: Found

    def total(self, what: str, with_it: int) -> int:
        """All groups together; ``with_it``: 0 without a baseline, 1 with it."""
        return sum(getattr(each, what)[with_it] for each in self.counts)


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


def page(found: Sequence[Level], logs: Sequence[Log], model: str) -> str:
    """The figures, in Markdown."""
    lines = [_row(level) for level in found]
    benign = [log for log in logs if log.clean]
    counts = (
        len(logs),
        len(benign),
        len({log.group for log in benign}),
        sum(len(log.infected) for log in logs),
    )
    return "\n".join(
        [
            f"Written by `python benchmarks/baseline.py` with zeekml {__version__} and {model}, over {counts[0]}",
            f"labelled logs: {counts[1]} benign ones in {counts[2]} groups, and {counts[3]} infected hosts.",
            "",
            _cells(*COLUMNS),
            _cells(*["---"] * len(COLUMNS)),
            *lines,
            "",
            *(_named(level) for level in found),
        ]
    )


def _cells(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _row(level: Level) -> str:
    found = level.found
    return _cells(
        level.words,
        *(level.total(what, with_it) for what in ("notices", "hosts") for with_it in (0, 1)),
        len(found.without),
        len(found.lost_after),
        len(found.late),
        len(found.lost_late),
    )


def _named(level: Level) -> str:
    """The groups with false alerts, and every infected host that was lost."""
    groups = [
        f"{each.group} {each.notices[0]} to {each.notices[1]}" for each in level.counts if any(each.notices)
    ]
    lost = [f"{name} (after {', '.join(groups)})" for name, groups in level.found.lost_after.items()]
    late = list(level.found.lost_late)
    return (
        f"- {level.words}: baselines that change any verdict: {level.found.places} of {len(level.counts)}, with "
        f"{level.found.hosts} hosts of which anything is usual; false host alerts by group: "
        f"{'; '.join(groups) or 'none'}. Lost after the baseline of a "
        f"clean group: {'; '.join(lost) or 'none'}. Lost with their own first half as the baseline: "
        f"{'; '.join(late) or 'none'}."
    )


def written(document: Path, text: str, begin: str, end: str) -> None:
    """Put a text between two marks of a page."""
    before, _, rest = document.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    document.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder of labelled logs with their tables"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--document", type=Path, help="the page to write the figures into, between its marks")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load_bundle(arguments.model)
    own = alert_policy(load_settings(None), bundle)
    logs = read_logs(arguments.data, bundle)
    groups, found = by_group(logs), []
    for words, policy in levels(own):
        baselines = {group: baseline_of(mine, bundle, policy) for group, mine in groups.items()}
        counts = list(false_alerts(groups, baselines, bundle, policy))
        found.append(Level(words, counts, infected_hosts(logs, baselines, bundle, policy)))
        print(_named(found[-1]), flush=True)
    text = page(found, logs, f"{bundle.name} {bundle.version}")
    print(text)
    if arguments.document:
        written(arguments.document, text, BEGIN, END)


if __name__ == "__main__":
    main()
