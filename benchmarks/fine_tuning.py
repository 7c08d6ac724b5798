"""What fine-tuning on a site does: on the site, on the captures that the model knows, and on such that it never saw.

For each fold a model is trained without the groups of the fold. Every clean capture of the fold is then a site: the
model is fine-tuned on its first half, with the old captures at hand and without them, and both models are held
against each other on its second half, on the old captures, and on the infected captures of the fold, laid into its
other clean networks. Writes a page with the figures::

    python benchmarks/fine_tuning.py --data DATA --out WORK --document docs/fine-tuning-tried.md
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from zeekml import __version__
from zeekml.config import Settings, load_settings
from zeekml.pipeline.progress import progress_on
from zeekml.pipeline.training_progress import epochs_on
from zeekml.resources import data_folder
from zeekml.scoring import load_bundle
from zeekml.scoring.bundle import METRICS
from zeekml.training import load_recipe
from zeekml.training.captures import Capture, load_captures, stem
from zeekml.training.folds import Fold, deal
from zeekml.training.job import train
from zeekml.training.recipe import Recipe
from zeekml.tuning import Asked, read_site, tune
from zeekml.tuning.reference import Verdicts, captures_reference, figures

_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"]


@dataclass(frozen=True)
class Run:
    """One fine-tuning: the site's capture, the way, and the figures by place, each ``before`` and ``after``."""

    fold: int
    site: str
    way: str
    figures: dict[str, Any]


def known_part(recipe: Path, data: Path, fold: Fold, folder: Path, epochs: int) -> Path:
    """A recipe for the captures without the groups of a fold, with tables of its own; its path."""
    content = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    groups = data / content["data"]["groups"]
    with groups.open(encoding="utf-8", newline="") as file:
        kept = [row for row in csv.DictReader(file) if row["group"] not in fold.groups]
    with (folder / "groups.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "group"))
        writer.writerows((groups.parent.resolve() / row["file"], row["group"]) for row in kept)
    names = {stem(Path(row["file"])) for row in kept}
    tables = []
    for number, table in enumerate(content["data"].get("corrections", [])):
        with (data / table).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rules = [row for row in reader if row["file"] in names]
            with (folder / f"corrections-{number}.csv").open("w", encoding="utf-8", newline="") as out:
                writing = csv.DictWriter(out, reader.fieldnames or ())
                writing.writeheader()
                writing.writerows(rules)
        tables.append(str((folder / f"corrections-{number}.csv").resolve()))
    content["data"] |= {"groups": str((folder / "groups.csv").resolve()), "corrections": tables}
    content |= {"name": "known", "seeds": 1, "folds": 3}
    content["fit"]["epochs"] = epochs
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def tuned(
    site: Capture, way: str, known: Path, parent: Path, arguments: argparse.Namespace, settings: Settings
) -> tuple[Path, dict[str, Any]]:
    """Fine-tune on the first half of a site; the folder of the new model, and its figures."""
    corrections = load_recipe(arguments.recipe).data.corrections
    asked = Asked(
        parent=str(parent.resolve()),
        paths=[str(site.path)],
        out=parent.parent,
        name=f"{site.name}-{'with' if way == 'with' else 'without'}".lower(),
        made="for a benchmark",
        recipe=known,
        data=arguments.data if way == "with" else None,
        feedback=tuple(arguments.data / table for table in corrections),
        hold_out=0.5,
        most_lost=1.0,
    )
    with progress_on(sys.stderr, quiet=True) as progress:
        held = read_site(asked, settings, progress)
    with epochs_on(sys.stderr) as watcher:
        done = tune(held, asked, settings, watcher)
    return done.folder, done.figures


def unseen(fold: Fold, site: Capture, recipe: Recipe, models: Sequence[Path]) -> list[dict[str, Any]]:
    """The figures of each model on the infected captures of a fold, laid into its clean networks but the site's."""
    others = tuple(capture for capture in fold.clean if capture.group != site.group)
    reference = captures_reference([*fold.infected, *others], recipe, 0)
    found = []
    for model in models:
        bundle = load_bundle(model)
        found.append(figures(reference, Verdicts.of(bundle), reference.said_by(bundle), recipe))
    return found


def runs_of(number: int, fold: Fold, arguments: argparse.Namespace, recipe: Recipe) -> list[Run]:
    """Every site of a fold, both ways; as they were if the fold was done before."""
    folder = arguments.out / f"fold-{number}"
    done = folder / "runs.json"
    if done.is_file():
        return [Run(**run) for run in json.loads(done.read_text(encoding="utf-8"))]
    known = known_part(arguments.recipe, arguments.data, fold, folder / "tables", arguments.epochs)
    parent = folder / "known"
    if not (parent / METRICS).is_file():
        with epochs_on(sys.stderr) as watcher:
            train(known, arguments.data, folder, watcher, folds=folder / "folds")
    settings = load_settings(None)
    nets = (*_PRIVATE, *recipe.data.local_nets)
    settings = settings.model_copy(update={"alerts": settings.alerts.model_copy(update={"local_nets": nets})})
    found = []
    for site in fold.clean:
        if len(site.labels) < arguments.least:
            continue
        made = {way: tuned(site, way, known, parent, arguments, settings) for way in ("with", "without")}
        models = [parent, *(model for model, _ in made.values())]
        before, *after = unseen(fold, site, recipe, models)
        for (way, (_, measured)), late in zip(made.items(), after, strict=True):
            found.append(
                Run(number, site.name, way, measured | {"unseen": {"before": before, "after": late}})
            )
            print(found[-1], flush=True)
    done.write_text(json.dumps([run.__dict__ for run in found], indent=1) + "\n", encoding="utf-8")
    return found


def page(runs: Sequence[Run], arguments: argparse.Namespace) -> str:
    """The page, in Markdown."""
    sites = [run for run in runs if run.way == "with"]
    versions = {load_bundle(arguments.out / f"fold-{run.fold}" / "known").version for run in runs}
    tables = "\n\n".join(_tables(way, [run for run in runs if run.way == way]) for way in ("with", "without"))
    return f"""# Fine-tuning, tried

Written by `python benchmarks/fine_tuning.py` with zeekml {__version__}: fold {", ".join(map(str, arguments.folds))}
of {arguments.of} (counted from 0), {len(sites)} sites. What fine-tuning is, is said in [Fine-tuning](fine-tuning.md).

For each fold a model was trained by the shipped model's recipe (version {", ".join(sorted(versions))}, but
{arguments.epochs} epochs, one seed, and three folds for its calibration) without the captures of the fold. Each clean
capture of the fold with {arguments.least:,} connections or more was then a site: the model was fine-tuned on its first
half with the default settings, and both were measured on its second half. The model had seen nothing of the site's
network before. `old` are the captures that it was trained on, so those figures tell what it forgot and not how good it
is; `unseen` are infected captures of the fold, laid into the fold's clean networks but the site's group: neither model
has seen anything of them. With few sites and few unseen hosts, differences of a hundredth or of one host mean nothing.

Each cell is the figure before → after. `false host alerts`, `connections` (benign ones at or above the threshold) and
`mean score` are of the site's second half. `recall` is at a false-positive rate of 1e-2, pooled; `hosts` are infected
hosts named at the host threshold.

{tables}
"""


_WAYS = {"with": "With the old captures at hand (`--data`)", "without": "Without the old captures"}


def _tables(way: str, runs: Sequence[Run]) -> str:
    old = "old" if way == "with" else "made hosts"
    lines = "\n".join(_line(run) for run in runs)
    total = {name: [sum(run.figures["site"][at][name] for run in runs) for at in ("before", "after")]
             for name in ("false_host_alerts", "false_connection_alerts")}  # fmt: skip
    hosts, bots = total["false_host_alerts"], total["false_connection_alerts"]
    return f"""## {_WAYS[way]}

| site | false host alerts | connections | mean score | {old}: average precision | {old}: recall | {old}: hosts | \
unseen: average precision | unseen: recall | unseen: recall at 1e-3 | unseen: hosts |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{lines}
| all | {hosts[0]} → {hosts[1]} | {bots[0]} → {bots[1]} | | | | | | | | |"""


def _line(run: Run) -> str:
    site = run.figures["site"]
    cells = [run.site]
    cells += [_pair(site, name, "d") for name in ("false_host_alerts", "false_connection_alerts")]
    cells.append(_pair(site, "mean_score", ".3f"))
    for place, fprs in (("reference", ("0.01",)), ("unseen", ("0.01", "0.001"))):
        found = run.figures[place]
        names = ["average_precision", *(f"recall_at_fpr_{fpr}" for fpr in fprs)]
        cells += [_pair(found, name, ".3f") for name in names]
        cells.append(f"{_pair(found, 'infected_named', 'd')} of {found['before']['infected']}")
    return f"| {' | '.join(cells)} |"


def _pair(found: dict[str, Any], name: str, form: str) -> str:
    return " → ".join(format(found[at][name], form) for at in ("before", "after"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder that the recipe's paths start from"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder for models and folds; those there are used again"
    )
    parser.add_argument("--recipe", type=Path, default=data_folder("models") / "recipes" / "conn-1-res.yaml")
    parser.add_argument("--of", type=int, default=5, help="how many folds the groups are dealt to")
    parser.add_argument("--folds", type=int, nargs="+", default=[0], help="which of them to try")
    parser.add_argument("--epochs", type=int, default=5, help="of the models that are to be tuned")
    parser.add_argument("--least", type=int, default=1000, help="connections of a site")
    parser.add_argument("--document", type=Path, help="the page to write")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    recipe = load_recipe(arguments.recipe)
    captures = load_captures(recipe, arguments.data)
    folds = deal(captures, arguments.of, recipe.seed)
    runs = [run for number in arguments.folds for run in runs_of(number, folds[number], arguments, recipe)]
    text = page(runs, arguments)
    print(text)
    if arguments.document:
        arguments.document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
