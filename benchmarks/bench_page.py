"""The tables of docs/performance.md, from what was measured; each stands between two marks of the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.bars import SCORE, Bar, Row, bars
from benchmarks.live_figures import live_bars
from benchmarks.network_figures import network_bars, times_the_products
from benchmarks.startup import Startup

Parts = Mapping[str, Mapping[str, Any]]
"""What was measured, by part: ``date``, ``machine``, ``versions``, ``seconds``, ``figures``."""

THROUGHPUT = ("sizes", "alerts", "formats", "hosts", "large", "captures")
PICTURES = {
    "sizes": ("figures/performance-peers.svg", "Connections a second"),
    "hosts": ("figures/performance-growth.svg", "Rate and memory over connections, hosts and alerts"),
    "stages": ("figures/performance-stages.svg", "Microseconds a connection by stage"),
}
_BLOCK = re.compile(r"(<!-- bench: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def write_page(page: Path, parts: Parts) -> None:
    """Puts every table between its marks, under its picture where there is one in ``figures/`` beside the page.

    A mark that names no table is an error of the page (KeyError).
    """
    text = page.read_text(encoding="utf-8")
    page.write_text(_BLOCK.sub(lambda block: _filled(block, parts, page.parent), text), encoding="utf-8")


def _filled(block: re.Match[str], parts: Parts, folder: Path) -> str:
    name = block["name"]
    body = [BLOCKS[name](parts)]
    if name in PICTURES:
        picture, words = PICTURES[name]
        if (folder / picture).exists():
            body.insert(0, f"![{words}]({picture})")
    return "\n\n".join([block[1], *body, block[4]]).replace("-->\n\n\n", "-->\n\n", 1)


def rows_of(parts: Parts, name: str) -> list[Row]:
    """The rows of one part; none where it was not measured."""
    return [Row(**row) for found in _figures(parts, name) for row in found["rows"]]


def all_bars(parts: Parts) -> list[Bar]:
    """Everything that is held to something, and the ratios beside; one that another part measured too is told again."""
    found = [bar for name in THROUGHPUT for bar in bars(rows_of(parts, name))]
    for figures in _figures(parts, "network"):
        found += network_bars(figures["microseconds"])
    for figures in _figures(parts, "startup"):
        found += startup_of(figures).bars
    if live := _figures(parts, "live"):
        found += live_bars(*live)
    told: dict[str, Bar] = {}
    for bar in found:
        runs = next(number for number in count(1) if _in_run(bar, number) not in told)
        told[_in_run(bar, runs)] = replace(bar, name=_in_run(bar, runs))
    return list(told.values())


def _in_run(bar: Bar, number: int) -> str:
    return bar.name if number == 1 else f"{bar.name}, run {number}"


def startup_of(figures: Mapping[str, Any]) -> Startup:
    """What ``startup.py --json`` printed."""
    return Startup(**{name: value for name, value in figures.items() if name != "repeat"})


def cells(rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first row is its head."""
    head, *body = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([head, "|" + " --- |" * (head.count("|") - 1), *body])


def _bars(parts: Parts) -> str:
    held = {None: "", True: "held", False: "**not held**"}
    return cells([
        ("what", "measured", "held to", ""),
        *((bar.name, f"{bar.value:.3g}" if bar.value < 100 else f"{bar.value:,.0f}", bar.bar, held[bar.held])
          for bar in all_bars(parts)),
    ])  # fmt: skip


def _machine(parts: Parts) -> str:
    lines: dict[str, list[str]] = {}
    for name, part in parts.items():
        machine = part["machine"]
        versions = ", ".join(f"{each} {version}" for each, version in part["versions"].items())
        words = (
            f"{part['date']}: {machine['usable_processors']} processors ({machine['processor']}, "
            f"{machine['machine']}), Python {machine['python']}, {versions}"
        )
        lines.setdefault(words, []).append(f"{name} ({part['seconds']} s)")
    return "\n".join(f"- {words}. Parts: {', '.join(names)}." for words, names in lines.items())


def _throughput(*names: str) -> Callable[[Parts], str]:
    def table(parts: Parts) -> str:
        rows = [row for name in names for row in rows_of(parts, name)]
        notes = dict.fromkeys(f"{row.tool}: {row.note}." for row in rows if row.note)
        return "\n\n".join([_rows(rows), *notes])

    return table


def _rows(rows: Iterable[Row]) -> str:
    return cells([
        ("tool", "connections", "format", "malicious", "alerting", "hosts", "log MiB", "wall s", "cpu s",
         "connections a second", "peak MiB", "runs", "spread"),
        *(_row(row) for row in rows),
    ])  # fmt: skip


def _row(row: Row) -> Sequence[object]:
    return (
        row.tool,
        f"{row.connections:,}",
        row.form,
        "all" if row.malicious is None else f"{row.malicious:g}",
        "" if row.alerting is None else f"{row.alerting / row.connections:.3%}",
        "" if row.hosts_seen is None else f"{row.hosts_seen:,}",
        f"{row.log_mib:,.0f}",
        f"{row.wall_s:.2f}",
        f"{row.cpu_s:.2f}",
        f"{row.connections_per_s:,.0f}",
        f"{row.peak_mib:,.0f}",
        row.runs,
        f"{row.spread:.0%}",
    )


def _stages(parts: Parts) -> str:
    found = _figures(parts, "stages")
    heads = [
        f"{one['alerting'] / one['connections']:.3%} alerting, {one['explained']:,} explained"
        for one in found
    ]
    costs = [one["microseconds"] for one in found]
    rows: list[Sequence[object]] = [("stage", *heads)]
    rows += [(stage, *(f"{one[stage]:.3f}" for one in costs)) for stage in (costs[0] if costs else {})]
    rows.append(("all", *(f"{sum(one.values()):.3f}" for one in costs)))
    return cells(rows)


def _network(parts: Parts) -> str:
    rows: list[Sequence[object]] = [("what", "microseconds a connection", "times the products")]
    said = []
    for figures in _figures(parts, "network"):
        costs = figures["microseconds"]
        rows += [
            (name, f"{costs[name]:.3f}", f"{times:.2f}") for name, times in times_the_products(costs).items()
        ]
        said.append(f"{figures['multiplications']:,} multiplications a connection.")
    return "\n\n".join([cells(rows), *said])


def _startup(parts: Parts) -> str:
    rows: list[Sequence[object]] = [("what", "wall s", "cpu s", "peak MiB")]
    said = []
    for figures in _figures(parts, "startup"):
        one = startup_of(figures)
        rows.append(("`zeekml score --help`", f"{one.help_s:.2f}", f"{one.help_cpu_s:.2f}", ""))
        rows.append((
            f"`zeekml score`, {one.connections:,} connections",
            f"{one.score_s:.2f}", f"{one.score_cpu_s:.2f}", f"{one.score_mib:.0f}",
        ))  # fmt: skip
        rows.append((
            "the same as the first run after an installation",
            f"{one.first_s:.2f}", f"{one.first_cpu_s:.2f}", f"{one.first_mib:.0f}",
        ))  # fmt: skip
        said.append(f"Large packages that `--help` imports: {', '.join(one.imported) or 'none'}.")
    return "\n\n".join([cells(rows), *said])


def _live(parts: Parts) -> str:
    rows: list[Sequence[object]] = [
        ("watch", "cores", "memory by quarters, MiB", "peak MiB", "lag p50 / p99 / most, s", "a line, ms")
    ]
    for one in _figures(parts, "live"):
        kind = "nothing happens" if "quiet_s" in one else "single lines"
        lag = ""
        if "rate" in one:
            kind = f"{one['rate']:,.0f} connections a second"
            lag = " / ".join(f"{one[f'lag_{name}_s']:.2f}" for name in ("p50", "p99", "most"))
        memory = " ".join(f"{each:.0f}" for each in one["memory_mib"])
        line = f"{one['line_ms']:.0f}" if "line_ms" in one else ""
        rows.append((kind, f"{one['cores']:.4f}", memory, f"{one['peak_mib']:.0f}", lag, line))
    return cells(rows)


def _figures(parts: Parts, name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = parts[name]["figures"] if name in parts else []
    return found


def score_rows(parts: Parts, *names: str) -> list[Row]:
    """The rows of zeekml alone."""
    return [row for name in names for row in rows_of(parts, name) if row.tool == SCORE]


BLOCKS: Mapping[str, Callable[[Parts], str]] = {
    "bars": _bars,
    "machine": _machine,
    "sizes": _throughput("sizes", "large"),
    "captures": _throughput("captures"),
    "alerts": _throughput("alerts"),
    "formats": _throughput("formats"),
    "hosts": _throughput("hosts"),
    "stages": _stages,
    "network": _network,
    "startup": _startup,
    "live": _live,
}
