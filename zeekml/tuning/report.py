"""What a tuning came to, for people: rows of figures before and after, and the model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from zeekml.scoring.manifest import SiteLog, Tuning
from zeekml.tuning import measure, reference

_COUNTS = {
    "infected_named": ("infected hosts named", "infected"),
    "clean_named": ("clean hosts named", "clean"),
}

_VERDICTS = {
    "benign_alerting": "called benign, at or above the threshold",
    "malicious_alerting": "called malicious, at or above the threshold",
    "benign_mean_score": "called benign, mean score",
    "malicious_mean_score": "called malicious, mean score",
}

Row = tuple[str, str, str]


def rows(metrics: Mapping[str, Any]) -> Iterator[tuple[str, list[Row]]]:
    """Tables of a tuning's figures: a heading, and rows of words, the figure before, and the figure after."""
    if found := metrics.get("reference"):
        yield f"on {found['of']}", list(_reference(found["before"], found["after"]))
    if found := metrics.get("site"):
        held = found["after"]["connections"]
        yield f"on the site's last {held:,} connections", list(_site(found["before"], found["after"]))
    if found := metrics.get("verdicts"):
        count = found["after"]["benign"] + found["after"]["malicious"]
        yield f"on {count:,} verdicts", _plain(_VERDICTS, found["before"], found["after"])


def _reference(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Row]:
    words = {name: text for name, text in reference.FIGURES.items() if name != "infected_named_share"}
    yield from _plain(words, before, after)
    for name, (text, of) in _COUNTS.items():
        yield text, f"{before[name]} of {before[of]}", f"{after[name]} of {after[of]}"
    yield from _plain({"fpr": "false-positive rate at the connection threshold"}, before, after)


def _site(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Row]:
    yield from _plain(measure.FIGURES, before, after)


def _plain(words: dict[str, str], before: dict[str, Any], after: dict[str, Any]) -> list[Row]:
    """The figures that could be worked out."""
    return [
        (text, _shown(before[name]), _shown(after[name]))
        for name, text in words.items()
        if before[name] is not None and after[name] is not None
    ]


def _shown(value: float | int) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if value < 0.001 else f"{value:.4f}"


def table(heading: str, body: list[Row]) -> str:
    """A table in Markdown."""
    lines = [
        f"| {heading} | before | after |",
        "| --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in body),
    ]
    return "\n".join(lines)


def card(name: str, version: str, tuning: Tuning, metrics: dict[str, Any], parent_card: str) -> str:
    """The model card, in Markdown: what was done, what it came to, and below it the parent's own card."""
    parent, feedback = tuning.parent, tuning.feedback
    tables = "\n\n".join(table(heading, body) for heading, body in rows(metrics))
    logs = "\n".join(_log(log) for log in tuning.logs)
    return f"""# {name}

Version {version}, made {tuning.made} from **{parent.name}** {_cell(parent.version)} (SHA-256 of its bundle.yaml
`{parent.manifest_sha256}`).

- {_done(tuning)}
- Verdicts of analysts: {feedback.used} of {feedback.verdicts} used, {feedback.benign} benign, {feedback.malicious} \
malicious.

## Before and after

{tables}

{_meaning(tuning, metrics)}

## The site's logs

| log | connections | held out | benign | malicious | from | to |
| --- | --- | --- | --- | --- | --- | --- |
{logs or "| none | | | | | | |"}

## The card of {parent.name}

What follows is its parent's card. Its figures are the parent's.

{_deeper(parent_card) or "The parent has no card."}
"""


def _done(tuning: Tuning) -> str:
    if tuning.fitted == "calibration":
        return "Only the calibration was fitted; weights and thresholds are the parent's."
    with_what = {"captures": "the old captures and made hosts", "made hosts": "made hosts"}[tuning.rehearsed]
    return (
        f"The network was trained further for {tuning.epochs} epochs (seed {tuning.seed}) on the logs below, with "
        f"{with_what} rehearsed; trees and encoding are the parent's."
    )


def _meaning(tuning: Tuning, metrics: dict[str, Any]) -> str:
    if tuning.fitted == "calibration":
        return (
            "The verdicts are those that the calibration was fitted to: the table shows what it did, not how good "
            "it is."
        )
    like = " like these" if tuning.rehearsed == "made hosts" else ""
    return (
        f"Both models have been trained on {metrics['reference']['of']}{like}: that table shows what was lost or "
        "gained, not how good either model is on traffic that it has not seen. The site's last connections were not "
        "trained on here."
    )


def _log(log: SiteLog) -> str:
    times = [datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for at in (log.first, log.last)]
    cells = [_cell(log.name), *map(str, (log.connections, log.held_out, log.benign, log.malicious)), *times]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """A name of a file as text within a table in Markdown."""
    return "".join(char if char.isalnum() or char in " ._-:/" else f"&#{ord(char)};" for char in text)


def _deeper(text: str) -> str:
    """A page as a part of another: its headings two levels deeper."""
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in text.strip().splitlines())
