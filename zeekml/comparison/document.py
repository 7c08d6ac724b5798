"""The page that a comparison writes: what was compared, how, what came of it, and what was tried before."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from zeekml.comparison.distinct import Bounds, Distinct, Task, task_classes
from zeekml.comparison.flow import ABLATIONS, RES
from zeekml.comparison.plan import ROWS, rows_of
from zeekml.comparison.settings import (
    BATCH,
    EPOCHS,
    NETWORK_NAMES,
    TUNING_EPOCHS,
    Settings,
    Tuned,
)
from zeekml.comparison.splits import DISTINCT_TEST, FOLDS, RANDOM_TEST, VALIDATION, Protocol
from zeekml.comparison.summary import Results, cells_of, lead, spread
from zeekml.comparison.tables import Table
from zeekml.spread import Spread

#: The paper's own table, percent: binary accuracy and F1, multi-class accuracy and F1.
_PAPER = {
    "Dense": (96.32, 95.76, 82.45, 79.89),
    "GRU": (98.57, 98.34, 85.56, 84.94),
    "1DCNN": (98.62, 98.24, 85.73, 84.38),
    "CNN-LSTM": (98.91, 98.71, 86.98, 87.23),
    RES: (98.89, 99.32, 87.53, 88.56),
}
_TASK_WORDS: Mapping[Task, str] = {"binary": "binary", "multi": "multi-class"}
_FIGURES = (("accuracy", "accuracy"), ("macro_f1", "macro F1"), ("weighted_f1", "weighted F1"))


@dataclass(frozen=True, eq=False)
class Compared:
    """A data set of the comparison with its bounds and protocols."""

    table: Table
    distinct: Distinct
    bounds: Bounds
    published: Bounds
    protocols: tuple[Protocol, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When and how it was run: the command's own words, versions by name, times in seconds."""

    date: str
    command: str
    versions: Mapping[str, str]
    processes: int
    seeds: int
    elapsed: float
    fresh: int


def written(
    compared: Sequence[Compared],
    tasks: Sequence[Task],
    results: Results,
    tuned: Tuned,
    run: Circumstances,
    figures: Mapping[str, str],
) -> str:
    """The page in Markdown; ``figures`` maps the names of the figures to their paths from the page."""
    sections = [
        _opening(results, run),
        _data(compared, figures),
        _method(compared),
        _tables(compared, tasks, results, figures),
        _leads(compared, results),
        _class_figures(compared, results),
        _ablations(compared, tasks, results),
        _costs(compared, results),
        _settings(compared, tuned),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _opening(results: Results, run: Circumstances) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    processor = sum(result["seconds"] for result in results.values()) / 60
    kept = len(results) - run.fresh
    again = f"; {kept} were there from earlier runs and taken again" if kept else ""
    seeds = ", ".join(map(str, range(run.seeds)))
    written_by = _wrapped(
        f"Written by `{run.command}` on {run.date} with {versions}. {len(results)} cells (a cell is one row, one task,"
        f" one seed), seeds {seeds}, {run.processes} processes of one thread. The run took {run.elapsed / 60:.1f}"
        f" minutes for {run.fresh} cells{again}. All cells together took {processor:.1f} minutes of processor time."
    )
    return f"""# Evaluation: the paper's table

{written_by}

The paper compares five networks on a data set that it does not name, in percent:

| network | binary accuracy | binary F1 | multi-class accuracy | multi-class F1 |
| --- | --- | --- | --- | --- |
{_lines(f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |" for name, row in _PAPER.items())}

The tables below are the same comparison on two public data sets. It says how the networks compare on these tables of
single connections. It does not say how well botnets are found on networks never seen."""


def _data(compared: Sequence[Compared], figures: Mapping[str, str]) -> str:
    rows = "\n".join(
        f"| {one.table.title} | {len(one.table):,} | {len(one.distinct):,} | {len(one.table.features.columns)} | "
        f"{100 * one.bounds.binary:.2f} | {100 * one.bounds.multi:.2f} | {100 * one.published.binary:.2f} | "
        f"{100 * one.published.multi:.2f} |"
        for one in compared
    )
    parts = [
        f"""## The data and what it allows

Rows that are equal in all features and carry different labels cannot all be right. That bounds the accuracy (percent)
over all rows; as published means with every label as published a class of its own.

| data set | rows | distinct rows | features | bound, binary | bound, multi-class | as published, binary | \
as published, multi-class |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}"""
    ]
    for one in compared:
        table, distinct = one.table, one.distinct
        note = (
            f"\n\n{table.corrected:,} rows are labelled Benign that are the scan of their scenario, single SYNs without"
            " an answer. They count as PortScan."
            if table.corrected
            else ""
        )
        counts = "\n".join(
            f"| {name} | {(table.labels == at).sum():,} | {(distinct.labels == at).sum():,} |"
            for at, name in enumerate(table.classes)
        )
        picture = _picture(figures, f"shares-{table.name}", f"Share of each category of {table.title}")
        parts.append(f"""### {table.title}

SHA-256 of the table: `{table.digest}`.{note}

| class | rows | distinct rows |
| --- | --- | --- |
{counts}{picture}""")
    return "\n\n".join(parts)


def _method(compared: Sequence[Compared]) -> str:
    chosen = [p for p in EPOCHS if any(p in one.protocols for one in compared)]
    words: dict[Protocol, str] = {
        "random": f"rows at random, {RANDOM_TEST:.0%} of them tested. Equal rows lie on both sides, so this measures"
        " memory, as papers do. Training is on distinct rows weighted by how often they occur.",
        "distinct": "rows equal in all features are one row, its most frequent label stands; "
        f"{DISTINCT_TEST:.0%} of each class are tested.",
        "scenario": f"whole scenarios are left out: they are dealt to {FOLDS} parts, each is tested by what was trained"
        " on the other, and the figures are those of both together. Rows count as often as they occur.",
    }
    protocols = "\n".join(_wrapped(f"- `{name}`: {words[name]}", "  ") for name in chosen)
    trained = ", ".join(f"{EPOCHS[name]} under `{name}`" for name in chosen)
    rest = (
        "One split serves every network, task and seed, so the spread is that of training alone. "
        f"{VALIDATION:.0%} of what is not tested is kept from training: of the epochs whose macro F1 on it is within"
        " 0.01 of the best, the last is kept. The test rows choose nothing.",
        "All networks see the same inputs: numbers encoded piecewise-linearly between quantiles of the training rows,"
        " marks for frequent values and for categories, an embedding of each step. All are trained alike: AdamW, one"
        f" cycle of the learning rate, batches of {BATCH} distinct rows, averaged weights, label smoothing, weighted"
        f" cross entropy; epochs: {trained}. In the loss a class of n rows weighs as n to a power that is tuned with"
        " the other settings (1 under `random`). Boosted trees (lightgbm) are grown on the same rows, with the"
        " validation rows to stop by, and are not tuned.",
        "Macro F1 is the mean over the classes that the test holds. ± is the standard deviation over the seeds.",
    )
    return "\n\n".join(["## How it is compared", protocols, *map(_wrapped, rest)])


def _tables(
    compared: Sequence[Compared], tasks: Sequence[Task], results: Results, figures: Mapping[str, str]
) -> str:
    parts = ["## The tables"]
    for one in compared:
        for protocol in one.protocols:
            parts.append(
                f"### {one.table.title}, {protocol}\n\n{_table(one, protocol, tasks, results, ROWS)}"
            )
            name = f"epochs-{one.table.name}-{protocol}"
            picture = _picture(
                figures, name, f"Accuracy and loss over the epochs, {one.table.title}, {protocol}"
            )
            parts[-1] += picture
    return "\n\n".join(parts) + _picture(figures, "architecture", "Res-1DCNN-LSTM as it is built here")


def table_rows(
    data_set: str, protocol: Protocol, tasks: Sequence[Task], results: Results, rows: Sequence[str]
) -> Iterator[list[str]]:
    """The cells of a table as text, percent: the row's name, then each task's figures."""
    for row in rows:
        found = {task: cells_of(results, data_set, protocol, task, row) for task in tasks}
        yield [row, *(_shown(spread(found[task], figure)) for task in tasks for figure, _ in _FIGURES)]


def table_heads(tasks: Sequence[Task]) -> list[str]:
    """The heads of ``table_rows``."""
    return ["", *(f"{_TASK_WORDS[task]} {words}" for task in tasks for _, words in _FIGURES)]


def _table(
    one: Compared, protocol: Protocol, tasks: Sequence[Task], results: Results, rows: Sequence[str]
) -> str:
    lines = [table_heads(tasks), ["---"] * len(table_heads(tasks))]
    lines += table_rows(one.table.name, protocol, tasks, results, rows)
    return _lines("| " + " | ".join(line) + " |" for line in lines)


def lead_sentences(compared: Sequence[Compared], results: Results) -> list[str]:
    """For each data set under ``distinct``, whether Res-1DCNN-LSTM leads the other four in multi-class macro F1."""
    said = []
    for one in compared:
        found = lead(results, one.table.name, "distinct")
        if found is None:
            continue
        steps = ", ".join(f"{100 * value:+.2f}" for value in found.differences)
        first = found.mine.mean > found.theirs.mean
        verdict = (
            f"{RES} leads the other four networks beyond the spread of the seeds"
            if found.beyond
            else f"{RES} has the best mean of the five networks, but not beyond the spread of the seeds"
            if first
            else f"{RES} does not lead: {found.rival} is no worse in the mean"
        )
        said.append(
            f"{one.table.title}: {verdict}. {RES} {found.mine.percent()}, {found.rival} {found.theirs.percent()}; seed"
            f" by seed against the best other network: {steps} points."
        )
    return said


def _leads(compared: Sequence[Compared], results: Results) -> str:
    said = lead_sentences(compared, results)
    if not said:
        return ""
    return f"""## Does {RES} lead?

Multi-class macro F1 under `distinct`, percent. Beyond the spread means that its worst seed is above the best seed of
every other network.

{_lines(_wrapped(f"- {sentence}", "  ") for sentence in said)}"""


def _class_figures(compared: Sequence[Compared], results: Results) -> str:
    parts = []
    for one in compared:
        for protocol in one.protocols:
            names = task_classes(one.table.classes, "multi")
            found = {row: cells_of(results, one.table.name, protocol, "multi", row) for row in ROWS}
            if not any(found.values()):
                continue
            held = next(result for mine in found.values() for result in mine)["confusion"]
            lines = [
                ["class", "tested", *ROWS],
                ["---"] * (len(ROWS) + 2),
                *(
                    [name, f"{sum(held[at]):,.0f}", *(_shown(spread(found[row], f"f1_{at}")) for row in ROWS)]
                    for at, name in enumerate(names)
                    if sum(held[at])
                ),
            ]
            table = _lines("| " + " | ".join(line) + " |" for line in lines)
            parts.append(f"### Classes of {one.table.title}, {protocol}\n\n{table}")
    return "\n\n".join(["## F1 of each class", "Multi-class, percent.", *parts]) if parts else ""


def _ablations(compared: Sequence[Compared], tasks: Sequence[Task], results: Results) -> str:
    parts = [
        f"### Parts of {RES} on {one.table.title}\n\n{_table(one, 'distinct', tasks, results, (RES, *ABLATIONS))}"
        for one in compared
        if "distinct" in one.protocols
    ]
    if not parts:
        return ""
    return "\n\n".join(
        [f"## What the parts of {RES} do", "Under `distinct`, with the settings of the whole.", *parts]
    )


def _costs(compared: Sequence[Compared], results: Results) -> str:
    lines = []
    for one in compared:
        for protocol in one.protocols:
            for row in rows_of(protocol):
                found = cells_of(results, one.table.name, protocol, "multi", row)
                if found:
                    learned = found[0]["parameters"]
                    size = "–" if learned is None else f"{learned:,}"
                    seconds = fmean(result["seconds"] for result in found)
                    lines.append(f"| {one.table.title} | {protocol} | {row} | {size} | {seconds:.0f} |")
    if not lines:
        return ""
    return f"""## Sizes and times

Learned numbers of each network, and the processor time of one multi-class cell in seconds.

| data set | protocol | row | learned numbers | seconds |
| --- | --- | --- | --- | --- |
{_lines(lines)}"""


def _settings(compared: Sequence[Compared], tuned: Tuned) -> str:
    tried = {len(search.trials) for searches in tuned.searches.values() for search in searches.values()}
    number = f"{min(tried)} to {max(tried)}" if len(tried) > 1 else f"{max(tried)}"
    told = _wrapped(
        f"`zeekml compare --tune` tried {number} settings for each network and data set, the same draws for all, on the"
        " multi-class task under `distinct`: on the rows that are not tested, two thirds to train and one third to"
        f" validate, {TUNING_EPOCHS} epochs, one seed. The setting with the best macro F1 (mean of the last three"
        " epochs) is used for both tasks and all protocols. `random` and `scenario` have other test rows than"
        " `distinct`, so some of theirs were among the rows that the settings were chosen on. Half of the settings of"
        " Dense take all features in one step and four times the width: an ordinary multi-layer perceptron."
    )
    parts = ["## Settings tried", told]
    for one in compared:
        searches = tuned.searches.get(one.table.name, {})
        lines = [
            f"| {network} | {_described(trial.settings)} | {100 * trial.macro_f1:.2f} | {100 * trial.accuracy:.2f} | "
            f"{'chosen' if at == searches[network].chosen else ''} |"
            for network in NETWORK_NAMES
            if network in searches
            for at, trial in enumerate(searches[network].trials)
        ]
        parts.append(f"""### Tried on {one.table.title}

| network | settings | macro F1 | accuracy | |
| --- | --- | --- | --- | --- |
{_lines(lines)}""")
    return "\n\n".join(parts)


def _described(settings: Settings) -> str:
    patch = "all features in one step" if settings.patch == 0 else f"{settings.patch} features a step"
    return (
        f"{patch}, width {settings.width}, depth {settings.depth}, kernel {settings.kernel}, dropout "
        f"{settings.dropout:g}, rate {settings.rate:g}, weight decay {settings.weight_decay:g}, class power "
        f"{settings.class_power:g}"
    )


def _picture(figures: Mapping[str, str], name: str, words: str) -> str:
    return f"\n\n![{words}]({figures[name]})" if name in figures else ""


def _shown(found: Spread | None) -> str:
    return "–" if found is None else found.percent()


def _wrapped(text: str, indent: str = "") -> str:
    """Prose in lines of the project's length, broken at spaces alone."""
    return textwrap.fill(text, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _lines(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(lines)
