"""The figures of the paper: the architecture, each category's share, accuracy and loss over the epochs.

The same numbers give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from zeekml.comparison.distinct import TASKS, Distinct
from zeekml.comparison.settings import NETWORK_NAMES
from zeekml.comparison.splits import Protocol
from zeekml.comparison.summary import Results, cells_of
from zeekml.comparison.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY, _BLUE, _ORANGE = "#eceff1", "#1f77b4", "#ff7f0e"


def shares(table: Table, distinct: Distinct) -> bytes:
    """Share of each category (SVG), among all rows and among the distinct ones, on a logarithmic scale."""
    rows = np.bincount(table.labels, minlength=len(table.classes)) / len(table)
    once = np.bincount(distinct.labels, minlength=len(table.classes)) / len(distinct)
    with _figure(7.5, 0.6 + 0.5 * len(table.classes)) as (figure, saved):
        axes = figure.subplots()
        places = np.arange(len(table.classes))[::-1]
        for offset, values, colour, label in (
            (0.2, rows, _BLUE, f"{len(table):,} rows"),
            (-0.2, once, _ORANGE, f"{len(distinct):,} distinct rows"),
        ):
            axes.barh(places + offset, 100 * values, 0.38, color=colour, label=label)
            for place, value in zip(places, values, strict=True):
                axes.annotate(
                    f" {100 * value:.3g} %", (100 * max(value, 1e-6), place + offset), va="center", fontsize=7
                )
        axes.set_xscale("log")
        axes.set_xlim(right=400)
        axes.set_yticks(places, list(table.classes))
        axes.set_xlabel("share, percent")
        axes.set_title(f"{table.title}: share of each category")
        axes.legend(loc="lower right", fontsize=8)
    return saved.getvalue()


def epochs(results: Results, table: Table, protocol: Protocol) -> bytes:
    """Accuracy and loss over the epochs (SVG), both tasks, each network with the first seed."""
    tasks = [t for t in TASKS if any(cells_of(results, table.name, protocol, t, n) for n in NETWORK_NAMES)]
    with _figure(10, 3.5 * len(tasks)) as (figure, saved):
        grid = figure.subplots(len(tasks), 2, squeeze=False)
        for task, (accuracy, loss) in zip(tasks, grid, strict=True):
            words = "binary" if task == "binary" else "multi-class"
            for number, network in enumerate(NETWORK_NAMES):
                found = cells_of(results, table.name, protocol, task, network)
                if found:
                    _curves(accuracy, found[0]["epochs"][0], "accuracy", f"C{number}", network, 100)
                    _curves(loss, found[0]["epochs"][0], "loss", f"C{number}", network, 1)
            accuracy.set(title=f"{words}: accuracy, percent", xlabel="epoch")
            loss.set(title=f"{words}: loss", xlabel="epoch")
        grid[0][0].legend(fontsize=7, title="dashed: in training, classes weighted", title_fontsize=7)
        figure.suptitle(f"{table.title}, {protocol}: validation rows over the epochs")
    return saved.getvalue()


def _curves(
    axes: Axes, found: Sequence[dict[str, float]], what: str, colour: str, label: str, scale: float
) -> None:
    numbers = [epoch["number"] for epoch in found]
    axes.plot(numbers, [scale * epoch[f"validation_{what}"] for epoch in found], color=colour, label=label)
    axes.plot(numbers, [scale * epoch[what] for epoch in found], color=colour, linestyle="--", linewidth=0.7)


#: Boxes of the architecture: centre x, centre y, width, text.
_BOXES = (
    (1.0, 2.0, 1.5, "one connection\nL steps of some\nfeatures each"),
    (3.0, 2.0, 1.5, "embedding\nof each step,\nstem"),
    (5.4, 3.1, 2.0, "residual block\nnorm, conv, conv"),
    (8.2, 3.1, 2.0, "residual block\nnorm, conv, conv"),
    (5.4, 0.9, 2.0, "residual layer\nnorm, LSTM"),
    (8.2, 0.9, 2.0, "residual layer\nnorm, LSTM"),
    (10.6, 2.0, 1.5, "joined:\nlast step\n+ mean"),
    (12.6, 2.0, 1.5, "head\nnorm, dense,\ndense"),
)
_ARROWS = ((0, 1), (1, 2), (1, 4), (2, 3), (4, 5), (3, 6), (5, 6), (6, 7))
_SHORTCUTS = (2, 3, 4, 5)


def architecture() -> bytes:
    """Res-1DCNN-LSTM as it is built here (SVG)."""
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch  # an extra # noqa: PLC0415

    with _figure(11, 3.8) as (figure, saved):
        axes = figure.subplots()
        axes.set(xlim=(0, 13.6), ylim=(-0.2, 4.4))
        axes.axis("off")
        for x, y, width, text in _BOXES:
            axes.add_patch(
                FancyBboxPatch(
                    (x - width / 2, y - 0.4), width, 0.8, boxstyle="round,pad=0.08", fc=_GREY, ec="black"
                )
            )
            axes.text(x, y, text, ha="center", va="center", fontsize=7.5)
        for start, end in _ARROWS:
            (x0, y0, w0, _), (x1, y1, w1, _) = _BOXES[start], _BOXES[end]
            tips = ((x0 + w0 / 2 + 0.08, y0), (x1 - w1 / 2 - 0.08, y1))
            axes.add_patch(FancyArrowPatch(*tips, arrowstyle="-|>", mutation_scale=10, color="black"))
        for at in _SHORTCUTS:
            x, y, width, _ = _BOXES[at]
            tips = ((x - width / 2 - 0.2, y + 0.3), (x + width / 2 + 0.2, y + 0.3))
            axes.add_patch(
                FancyArrowPatch(
                    *tips, connectionstyle="arc3,rad=-0.25", arrowstyle="-|>", mutation_scale=9, color=_BLUE
                )
            )
        axes.text(6.8, 4.15, "spatial branch, blue: shortcuts", ha="center", fontsize=8)
        axes.text(6.8, -0.1, "temporal branch", ha="center", fontsize=8)
    return saved.getvalue()


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, io.BytesIO]]:
    """A figure that is saved as SVG when the block ends; it depends on neither settings, screen nor clock."""
    import matplotlib as mpl  # an extra # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    saved = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "zeekml", "svg.fonttype": "none"})
        figure = Figure(figsize=(width, height), layout="tight")
        FigureCanvasSVG(figure)
        yield figure, saved
        figure.savefig(saved, format="svg", metadata={"Date": None, "Creator": None})
