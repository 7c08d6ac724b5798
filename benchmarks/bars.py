"""What the figures are held to: ratios between rows of one run, each with its bar. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.logs import EACH

SCORE, READ, FOREST, BOOSTED = "zeekml score", "zat, read only", "zat, random forest", "boosted trees"
MIB_OF_ALL_SIZES = 1024.0
PACKED_OF_PLAIN = {"json": 1.5, "tsv.gz": 1.2}
"""Formats that are held to a share of the TSV's time; the others are only told."""
CAPTURES, FOREST_SLOWER = "captures", 10.0
"""How many times the seconds of zeekml a forest is to take that was fitted on captures. One fitted on made logs is held
to nothing: a few questions tell made traffic apart, so its trees are small and soon asked."""


@dataclass(frozen=True)
class Row:
    """The medians of a tool's runs on one log.

    ``alerting``: connections at or above the threshold, where the tool tells. ``peak_mib``: of the largest run.
    ``spread``: slowest run less fastest, of the median. ``note``: what else there is to say of the tool;
    ``learnt``: what it was fitted on, if that is not a made log.
    """

    tool: str
    connections: int
    form: str
    malicious: float | None
    hosts: int | None
    log_mib: float
    wall_s: float
    cpu_s: float
    peak_mib: float
    connections_per_s: float
    runs: int = 1
    spread: float = 0.0
    alerting: int | None = None
    hosts_seen: int | None = None
    note: str = ""
    learnt: str = ""


@dataclass(frozen=True)
class Bar:
    """One ratio (or figure), and what it is held to; None: to nothing."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def held(self) -> bool | None:
        """Whether it is; None where it is held to nothing."""
        if self.most is None and self.least is None:
            return None
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    @property
    def bar(self) -> str:
        """What it is held to, in words."""
        if self.most is not None:
            return f"at most {self.most:g}"
        return "none" if self.least is None else f"at least {self.least:g}"


def bars(rows: Sequence[Row]) -> list[Bar]:
    """Every ratio that these rows give, in the order of their logs."""
    return [*_against_peers(rows), *_formats(rows), *_sizes(rows)]


def log_words(row: Row) -> str:
    """Which log a row is of, in words."""
    words = f"{row.connections:,} connections"
    if row.malicious is not None:
        words += f", {row.malicious:g} malicious"
    if row.hosts is None:
        return words
    return (
        f"{words}, a host for each"
        if row.hosts == EACH
        else f"{words}, {row.hosts:,} host{'s' * (row.hosts > 1)}"
    )


def _against_peers(rows: Sequence[Row]) -> Iterator[Bar]:
    for ours in _of(rows, SCORE):
        if ours.form != "tsv":
            continue
        for peer in rows:
            if _log(peer) != _log(ours):
                continue
            if peer.tool == READ:
                yield Bar(f"score / zat only reading, {log_words(ours)}", ours.wall_s / peer.wall_s, most=1.0)
            if peer.tool == FOREST:
                fitted = f", fitted on {peer.learnt}," if peer.learnt else ""
                name = f"random forest on zat{fitted} / score, {log_words(ours)}"
                least = FOREST_SLOWER if peer.learnt == CAPTURES else None
                yield Bar(name, peer.wall_s / ours.wall_s, least=least)
            if peer.tool == BOOSTED:
                fitted = f", fitted on {peer.learnt}," if peer.learnt else ""
                yield Bar(f"boosted trees{fitted} / score, {log_words(ours)}", peer.wall_s / ours.wall_s)


def _formats(rows: Sequence[Row]) -> Iterator[Bar]:
    ours = _of(rows, SCORE)
    plain = {(row.connections, row.malicious, row.hosts): row.wall_s for row in ours if row.form == "tsv"}
    for row in ours:
        wall = plain.get((row.connections, row.malicious, row.hosts))
        if row.form != "tsv" and wall is not None:
            name = f"{row.form} / tsv, {log_words(row)}"
            yield Bar(name, row.wall_s / wall, most=PACKED_OF_PLAIN.get(row.form))


def _sizes(rows: Sequence[Row]) -> Iterator[Bar]:
    """The largest log against the next smaller one of its kind: start-up weighs less, so it is not to be slower."""
    kinds: dict[tuple[object, ...], list[Row]] = {}
    for row in _of(rows, SCORE):
        kinds.setdefault((row.form, row.malicious, row.hosts), []).append(row)
    for same in kinds.values():
        by_size = sorted(same, key=lambda row: row.connections)
        if len({row.connections for row in by_size}) < 2:
            continue
        small, large = by_size[-2:]
        name = f"rate at {large.connections:,} / at {small.connections:,}"
        yield Bar(name, large.connections_per_s / small.connections_per_s, least=1.0)
        yield Bar(f"peak MiB, {log_words(large)}", large.peak_mib, most=MIB_OF_ALL_SIZES)


def _of(rows: Sequence[Row], tool: str) -> list[Row]:
    return [row for row in rows if row.tool == tool]


def _log(row: Row) -> tuple[object, ...]:
    return row.connections, row.form, row.malicious, row.hosts
