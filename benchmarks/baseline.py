"""What a baseline is worth: false host alerts with and without one, and whether infected hosts are found as before.

Reads labelled logs with their tables of groups and known hosts, and scores each log once. The first half of every
benign log of a group is the group's baseline, the second halves are judged with it and without. Infected hosts are
judged after the baseline of every benign group, in the place of each of that group's hosts of which anything is
ordinary; and, the harder case, with the first half of their own log as the baseline. Writes the figures into a page,
between two marks::

    python benchmarks/baseline.py --data zeek/ --document docs/baseline.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.baseline_logs import (
    Log,
    baseline_of,
    by_group,
    cells,
    changes,
    command,
    laid_on,
    levels,
    ordinary_hosts,
)
from zeekml import __version__
from zeekml.alerts import HOST_NOTE, AlertEngine, AlertPolicy
from zeekml.baseline.content import Baseline
from zeekml.scoring import Bundle
from zeekml.scoring.scores import Scores

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
MARKS = ("<!-- figures: begin -->", "<!-- figures: end -->")


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


def tried(logs: Sequence[Log], bundle: Bundle, own: AlertPolicy) -> str:
    """Every level, in Markdown. What each came to is printed when it is done."""
    groups, found = by_group(logs), []
    for words, policy in levels(own):
        baselines = {group: baseline_of(mine, bundle, policy) for group, mine in groups.items()}
        counts = list(false_alerts(groups, baselines, bundle, policy))
        found.append(Level(words, counts, infected_hosts(logs, baselines, bundle, policy)))
        print(_named(found[-1]), flush=True)
    return page(found, logs, f"{bundle.name} {bundle.version}")


def page(found: Sequence[Level], logs: Sequence[Log], model: str) -> str:
    """The figures, in Markdown."""
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
            cells(*COLUMNS),
            cells(*["---"] * len(COLUMNS)),
            *map(_row, found),
            "",
            *map(_named, found),
        ]
    )


def _row(level: Level) -> str:
    found = level.found
    return cells(
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


def main(argv: Sequence[str] | None = None) -> int:
    return command(__doc__, tried, MARKS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
