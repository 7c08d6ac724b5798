"""The report for people: one page that holds all it needs and asks nothing of the network.

Whatever comes from a log, a recipe or a bundle goes through ``text``. The page's own policy allows no script and no
address, should a browser ever see more in it than text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from zeekml.evaluation import plots
from zeekml.evaluation.words import amount, connection_rows, model_names, seconds
from zeekml.web import STYLE, text, whole_page

_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]?\d+)?%?")


def report(document: dict[str, Any]) -> str:
    """The page of a document as ``evaluate`` gives it."""
    models, names = document["models"], model_names(document)
    title = "zeekml evaluation: " + ", ".join(names)
    body = [
        f"<h1>{text(title)}</h1>",
        _intro(document),
        *(_warning(name, model) for name, model in zip(names, models, strict=True) if model["trained_on"]),
        "<h2>Connections</h2>",
        _table(("figure", *names), connection_rows(document)),
        _plots(models, names),
    ]
    if document["comparison"] is not None:
        body += ["<h2>Which is better</h2>", _comparison(document["comparison"])]
    for name, model in zip(names, models, strict=True):
        body += _model(name, model)
    body += ["<h2>Logs</h2>", _logs(document["logs"])]
    return whole_page(title, "\n".join(body), style=STYLE, drawn_styles=True)


def _intro(document: dict[str, Any]) -> str:
    how = (
        "Clean networks as they are, every infected host laid into one of them (overlays), "
        f"seed {text(document['seed'])}."
        if document["layout"] == "overlay"
        else "Logs as they are."
    )
    return f"<p>{how} Made by zeekml {text(document['zeekml'])}.</p>"


def _warning(name: str, model: dict[str, Any]) -> str:
    logs = ", ".join(f"{entry['log']} (same {entry['by']})" for entry in model["trained_on"])
    return (
        f'<p class="warning"><b>Not held out.</b> {text(name)} was trained on {len(model["trained_on"])} of these '
        f"logs, and its figures say nothing about traffic that it has not seen: {text(logs)}</p>"
    )


def _plots(models: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    if all(model["connections"]["roc"] is None for model in models):
        return "<p>No curves: they need malicious and benign connections.</p>"
    drawn = (
        ("Recall against false-positive rate", plots.roc(models)),
        ("Precision against recall", plots.precision_recall(models)),
        ("Reliability: score against what came of it", plots.reliability(models)),
    )
    figures = "".join(f"<figure>{svg}<figcaption>{text(words)}</figcaption></figure>" for words, svg in drawn)
    which = "; ".join(f"{letter}: {name}" for letter, name in zip("AB", names, strict=False))
    return figures + (f"<p>{text(which)}</p>" if len(names) > 1 else "")


def _comparison(comparison: dict[str, Any]) -> str:
    tests = [("connections", comparison["connections"])]
    for kind, parts in comparison["hosts"].items():
        tests += [(f"{which} hosts by {kind.replace('_', ' ')}", test) for which, test in parts.items()]
    columns = ("both_right", "only_a_right", "only_b_right", "both_wrong", "p_value")
    rows = [(words, *(amount(test[column]) for column in columns)) for words, test in tests]
    found = _table(("verdicts on", *(column.replace("_", " ") for column in columns)), rows)
    boot = comparison["bootstrap"]
    if boot is None:
        return found
    intervals = [
        (
            name.replace("_", " "),
            *(_interval(figure[which]) for which in ("a", "b", "difference")),
            amount(figure["b_better"]),
        )
        for name, figure in boot["figures"].items()
    ]
    return (
        found
        + f"<p>{boot['draws']:,} draws of {boot['units']:,} {text(boot['resampled'])}, {boot['infected_units']:,} of "
        f"them with malicious connections; intervals of {boot['confidence']:.0%}.</p>"
        + _table(("figure", "A", "B", "B less A", "draws in which B is better"), intervals)
    )


def _interval(figure: dict[str, Any]) -> str:
    return f"{amount(figure['value'])} ({amount(figure['low'])} to {amount(figure['high'])})"


def _model(name: str, model: dict[str, Any]) -> list[str]:
    confusion, summary = model["connections"]["confusion"], model["host_summary"]
    matrix = [
        (label, *map(amount, counts))
        for label, counts in zip(confusion["classes"], confusion["counts"], strict=True)
    ]
    classes = [
        (label, *(amount(each[column]) for column in ("connections", "precision", "recall", "f1")))
        for label, each in model["connections"]["classes"].items()
    ]
    parts = [
        f"<h2>{text(name)}: classes</h2>",
        "<p>Rows are the labels, columns the verdicts at the connection threshold.</p>",
        _table(("label", *confusion["classes"]), matrix),
        _table(("class", "connections", "precision", "recall", "F1"), classes),
        f"<h2>{text(name)}: infected hosts</h2>",
        f"<p>{summary['host_notice']['infected']:,} of {summary['infected']:,} named by a host notice, "
        f"{summary['connection_notice']['infected']:,} by a connection notice.</p>",
        _table(_HOSTS, [_host(host) for host in model["hosts"] if host["infected"]]),
        f"<h2>{text(name)}: networks and false alerts</h2>",
        _table(_NETWORKS, [_network(network) for network in model["networks"]]),
    ]
    if model["false_host_alerts"]:
        parts.append(_table(_FALSE, [_false(alert) for alert in model["false_host_alerts"]]))
    parts += [
        f"<h2>{text(name)}: captures</h2>",
        _table(
            ("capture", "counted", "malicious", *_CAPTURE), [_capture(each) for each in model["captures"]]
        ),
    ]
    return parts


_HOSTS = (
    "capture", "host", "connections", "malicious", "alerting", "host notice after", "in event time",
    "since the first malicious", "as",
)  # fmt: skip
_NETWORKS = (
    "capture", "days", "clean hosts", "their connections", "alerting", "false host notices", "a host and day",
    "false connection notices",
)  # fmt: skip
_FALSE = ("capture", "host", "to", "as", "score", "evidence", "n", "why")
_CAPTURE = ("average_precision", "precision", "recall", "fpr")


def _host(host: dict[str, Any]) -> tuple[str, ...]:
    first = host["host_notice"]
    flagged = (
        ("never" if host["watched"] else "not watched", "", "", "")
        if first is None
        else (
            f"{amount(first['connections'])} connections",
            seconds(first["seconds"]),
            seconds(first["seconds_malicious"]),
            first["class"],
        )
    )
    counts = (amount(host[name]) for name in ("connections", "malicious", "alerting"))
    return (host["capture"], host["host"], *counts, *flagged)


def _network(network: dict[str, Any]) -> tuple[str, ...]:
    columns = (
        "days", "clean_hosts", "clean_connections", "clean_alerting", "false_host_notices",
        "false_host_notices_per_host_day", "false_connection_notices",
    )  # fmt: skip
    return (network["capture"], *(amount(network[column]) for column in columns))


def _false(alert: dict[str, Any]) -> tuple[str, ...]:
    return (
        alert["capture"],
        alert["host"],
        f"{alert['id.resp_h']}:{alert['id.resp_p']}/{alert['proto']}",
        alert["class"],
        *(amount(alert[name]) for name in ("score", "evidence", "n")),
        alert["why"],
    )


def _capture(capture: dict[str, Any]) -> tuple[str, ...]:
    columns = ("connections", "malicious", *_CAPTURE)
    return (capture["capture"], *(amount(capture.get(column)) for column in columns))


def _logs(logs: Sequence[dict[str, Any]]) -> str:
    rows = [
        (log["capture"], *(amount(log[column]) for column in ("connections", "counted", "malicious")),
         ", ".join(f"{name} {digest[:16]}" for name, digest in log["files"].items()))
        for log in logs
    ]  # fmt: skip
    return _table(("log", "connections", "counted", "malicious", "file and the start of its SHA-256"), rows)


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts; cells that are numbers stand to the right."""
    head = "".join(f"<th>{text(each)}</th>" for each in heads)
    lines = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{lines}</table>"


def _cell(content: str) -> str:
    kind = ' class="n"' if _NUMBER.fullmatch(content) else ""
    return f"<td{kind}>{text(content)}</td>"
