"""Figures in words, the same on the terminal and in the report."""

from __future__ import annotations

from typing import Any

NOTHING = "–"


def amount(value: float | None) -> str:
    """A count with separators, any other number with three significant digits or more, or a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.2e}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def seconds(value: float | None) -> str:
    """A time span in a unit that suits it."""
    if value is None:
        return NOTHING
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.1f} s"


def model_names(document: dict[str, Any]) -> list[str]:
    """What to call the models: by name, with A and B before where there are two."""
    names = [f"{model['name']} {model['version']}" for model in document["models"]]
    return (
        names if len(names) == 1 else [f"{letter}: {name}" for letter, name in zip("AB", names, strict=True)]
    )


def connection_rows(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows of a figure's name and its value for each model."""
    found: list[tuple[str, ...]] = []

    def row(words: str, *keys: str) -> None:
        values = []
        for model in document["models"]:
            value = model["connections"]
            for key in keys:
                value = None if value is None else value[key]
            values.append(amount(value))
        found.append((words, *values))

    row("connections counted", "connections")
    row("malicious", "malicious")
    row("context, not counted", "context")
    row("average precision", "average_precision")
    row("area under the ROC curve", "roc_auc")
    for fpr in document["false_positive_rates"]:
        row(f"recall at a false-positive rate of {fpr:g}, pooled", f"recall_at_fpr_{fpr:g}")
        row(f"recall at {fpr:g}, mean of captures", f"mean_recall_at_fpr_{fpr:g}")
    for name, words in (
        ("precision", "precision at the threshold"),
        ("recall", "recall at the threshold"),
        ("f1", "F1 at the threshold"),
        ("fpr", "false-positive rate at the threshold"),
    ):
        row(words, name)
    row("accuracy over classes", "accuracy")
    for name, words in (("macro", "macro"), ("weighted", "weighted")):
        for figure in ("precision", "recall", "f1"):
            row(f"{words} {'F1' if figure == 'f1' else figure}", name, figure)
    row("expected calibration error", "calibration", "error")
    return found


def host_rows(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows of host figures, as ``connection_rows``."""
    summaries = [model["host_summary"] for model in document["models"]]
    rows: list[tuple[str, ...]] = []
    for kind in ("host_notice", "connection_notice"):
        words = kind.replace("_", " ")
        rows += [
            (
                f"infected hosts with a {words}",
                *(f"{each[kind]['infected']:,} of {each['infected']:,}" for each in summaries),
            ),
            (
                "  after connections, median",
                *(amount(each[kind]["median_connections"]) for each in summaries),
            ),
            ("  after event time, median", *(seconds(each[kind]["median_seconds"]) for each in summaries)),
            (
                f"clean hosts with a {words}",
                *(f"{each[kind]['clean']:,} of {each['clean']:,}" for each in summaries),
            ),
        ]
    if all(model["host_ranking"] is not None for model in document["models"]):
        at = [model["host_ranking"]["at_host_fpr"] for model in document["models"]]
        rows.append(
            (
                f"infected hosts named when {at[0]['host_fpr']:.0%} of busy clean ones are",
                *(f"{each['infected_named']:,} of {each['infected']:,}" for each in at),
            )
        )
    return rows
