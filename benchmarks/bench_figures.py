"""The pictures of docs/performance.md: small SVG files, the same for the same figures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bars import SCORE, Row
from benchmarks.bench_page import Parts, rows_of, score_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS, _OTHERS = "#1f77b4", "#9a9a9a"
_STAGE_COLOURS = (
    "#1f77b4", "#2ca02c", "#d62728", "#ff7f0e", "#bcbd22", "#17becf", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f",
)  # fmt: skip


def draw(parts: Parts, folder: Path) -> None:
    """Writes every picture for which there are figures."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "peers": _peers(rows_of(parts, "sizes")),
        "growth": _growth(parts),
        "stages": _stages(parts),
    }
    for name, picture in pictures.items():
        if picture:
            (folder / f"performance-{name}.svg").write_bytes(picture)


def _peers(rows: Sequence[Row]) -> bytes:
    """Connections a second of every tool on the largest log that all of them read."""
    if not rows:
        return b""
    size = max(row.connections for row in rows)
    shown = sorted((row for row in rows if row.connections == size), key=lambda row: row.connections_per_s)
    with _figure(6.4, 0.5 + 0.45 * len(shown)) as (figure, saved):
        axes = figure.subplots()
        bars = axes.barh(
            [row.tool for row in shown],
            [row.connections_per_s / 1000 for row in shown],
            color=[_OURS if row.tool == SCORE else _OTHERS for row in shown],
        )
        axes.bar_label(bars, fmt="%.0f", padding=3)
        axes.set_xlabel(f"thousand connections a second, {size:,} connections")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.1)
    return saved.getvalue()


def _growth(parts: Parts) -> bytes:
    """Rate over the size of the log, the hosts in it, and the share of alerts; memory over the size."""
    by_size = _sorted(score_rows(parts, "sizes", "large"), "connections")
    by_hosts = [row for row in _sorted(score_rows(parts, "hosts"), "hosts") if row.hosts_seen]
    by_alerts = [row for row in score_rows(parts, "alerts") if row.alerting]
    if not (by_size and by_hosts and by_alerts):
        return b""
    shares = [(row.alerting or 0) / row.connections for row in by_alerts]
    with _figure(9, 2.6) as (figure, saved):
        panels = figure.subplots(1, 4)
        _line(panels[0], "connections", [row.connections for row in by_size], _rates(by_size))
        _line(panels[1], "hosts", [row.hosts_seen or 0 for row in by_hosts], _rates(by_hosts))
        _line(panels[2], "share of alerts", shares, _rates(by_alerts))
        panels[0].set_ylabel("thousand a second")
        _line(
            panels[3], "connections", [row.connections for row in by_size], [row.peak_mib for row in by_size]
        )
        panels[3].set_ylabel("peak MiB")
    return saved.getvalue()


def _stages(parts: Parts) -> bytes:
    """Microseconds a connection, stage after stage, one bar a log."""
    found = parts["stages"]["figures"] if "stages" in parts else []
    if not found:
        return b""
    with _figure(9, 1.2 + 0.45 * len(found)) as (figure, saved):
        axes = figure.subplots()
        names = [f"{one['alerting'] / one['connections']:.2%} alerting" for one in found]
        left = [0.0] * len(found)
        for stage, colour in zip(found[0]["microseconds"], _STAGE_COLOURS, strict=True):
            widths = [one["microseconds"][stage] for one in found]
            axes.barh(names, widths, left=left, color=colour, label=stage)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        axes.set_xlabel("microseconds of processor time a connection")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8)
    return saved.getvalue()


def _sorted(rows: Sequence[Row], field: str) -> list[Row]:
    """The rows by one of their fields, of several alike the last."""
    by_value = {getattr(row, field): row for row in rows}
    return [by_value[value] for value in sorted(by_value)]


def _rates(rows: Sequence[Row]) -> list[float]:
    return [row.connections_per_s / 1000 for row in rows]


def _line(axes: Any, words: str, x: Sequence[float], y: Sequence[float]) -> None:
    axes.plot(x, y, marker="o", color=_OURS)
    axes.set(xscale="log", xlabel=words, ylim=(0, max(y) * 1.15))
    axes.spines[["top", "right"]].set_visible(False)


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, io.BytesIO]]:
    """A figure that is saved as SVG when the block ends; it depends on neither settings, screen nor clock."""
    import matplotlib as mpl  # noqa: PLC0415 - what measures must stay small
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    saved = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "zeekml", "svg.fonttype": "none", "font.size": 9})
        figure = Figure(figsize=(width, height), layout="tight")
        FigureCanvasSVG(figure)
        yield figure, saved
        figure.savefig(saved, format="svg", metadata={"Date": None, "Creator": None})
