"""The plots of a report, as SVG that stands inside a page: fixed words and numbers only, nothing from a log."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zeekml.evaluation.figures import BINS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What tells two models apart, in print as well.
_STYLES = (("#1f5fa8", "-"), ("#c0561d", "--"))
_LOWEST_RATE = 1e-5


def roc(models: Sequence[dict[str, Any]]) -> str:
    """Recall against the false-positive rate, on a logarithmic axis: what matters lies below 1e-2."""

    def draw(axes: Axes) -> None:
        for (color, line), name, figures in _drawn(models):
            wrong = [max(point[0], _LOWEST_RATE) for point in figures["roc"]]
            recall = [point[1] for point in figures["roc"]]
            axes.step(wrong, recall, where="post", color=color, linestyle=line, label=name)
        axes.set_xscale("log")
        axes.set_xlim(_LOWEST_RATE, 1)
        axes.set_xlabel("false-positive rate")
        axes.set_ylabel("recall")

    return _svg(draw, "roc", len(models))


def precision_recall(models: Sequence[dict[str, Any]]) -> str:
    """Precision against recall."""

    def draw(axes: Axes) -> None:
        for (color, line), name, figures in _drawn(models):
            recall, precision = ([point[at] for point in figures["pr"]] for at in (0, 1))
            axes.plot(recall, precision, color=color, linestyle=line, label=name)
        axes.set_xlim(0, 1)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")

    return _svg(draw, "pr", len(models))


def reliability(models: Sequence[dict[str, Any]]) -> str:
    """The share of malicious connections against the mean score of each bin."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
        for (color, line), name, figures in _drawn(models):
            bins = figures["calibration"]["bins"]
            axes.plot(
                [each["mean_score"] for each in bins],
                [each["malicious_share"] for each in bins],
                color=color,
                linestyle=line,
                marker="o",
                markersize=4,
                label=name,
            )
        axes.set_xlim(0, 1)
        axes.set_xlabel(f"mean score of a bin ({BINS} of equal width)")
        axes.set_ylabel("share that is malicious")

    return _svg(draw, "reliability", len(models))


def _drawn(models: Sequence[dict[str, Any]]) -> list[tuple[tuple[str, str], str, dict[str, Any]]]:
    """Style, name and connection figures of the models that have curves; names are A and B, whatever they are."""
    return [
        (style, name, model["connections"])
        for style, name, model in zip(_STYLES, ("A", "B"), models, strict=False)
        if model["connections"]["roc"] is not None
    ]


def _svg(draw: Any, salt: str, models: int) -> str:
    """Draw on fresh axes; the same figures give the same text, and its ids are no other plot's."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(
        {"svg.hashsalt": salt, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    ):
        figure = Figure(figsize=(4.6, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        axes.set_ylim(0, 1.02)
        axes.grid(color="#dddddd", linewidth=0.6)
        if models > 1:
            axes.legend(loc="best", frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    # Ids are the page's: two plots must not share one. Metadata names addresses that nothing here needs.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{salt}-', svg)
    svg = re.sub(r"url\(#", f"url(#{salt}-", svg)
    return re.sub(r'href="#', f'href="#{salt}-', svg)
