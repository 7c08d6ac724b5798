"""``zeekml labels audit``: labelled logs in, likely label errors out, as rules in the format of label corrections."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from zeekml.evaluation.audit import Audit, Suspect, audit
from zeekml.evaluation.extras import needed
from zeekml.evaluation.logs import LabelledLogs
from zeekml.evaluation.outoffold import from_bundle, from_trees
from zeekml.evaluation.truth import Truth, default_recipe
from zeekml.pipeline.progress import Progress
from zeekml.scoring import load_bundle
from zeekml.training.captures import Capture, load_captures
from zeekml.training.corrections import COLUMNS
from zeekml.training.recipe import load_recipe

LeaveOut = Literal["log", "group"]

CSV, JSON = "label-suspects.csv", "label-suspects.json"


@dataclass(frozen=True)
class Asked:
    """How labels are judged: by boosted trees grown on other logs (or groups of logs), or by the model ``model``."""

    model: str | None = None
    leave_out: LeaveOut = "log"
    folds: int = 5
    seed: int = 0
    threads: int = 1
    least: int = 5
    share: float = 0.5


@dataclass(frozen=True, eq=False)
class Labelled:
    """What is audited: captures, what rules call them, and their classes."""

    captures: list[Capture]
    names: list[str]
    classes: tuple[str, ...]


def labelled_logs(paths: Sequence[str], truth: Truth, progress: Progress) -> tuple[Labelled, LabelledLogs]:
    """The logs under ``paths``; what could not be read is among the ``problems`` of the second."""
    logs = LabelledLogs(paths, truth, progress)
    found = list(logs)
    captures = [log.capture for log in found]
    return Labelled(captures, [log.name for log in found], truth.recipe.class_names), logs


def labelled_data(
    data: Path, recipe_path: Path | None, *, corrected: bool, report: Callable[[str], None]
) -> Labelled:
    """The logs that a recipe names below ``data``, without those for training only."""
    recipe = load_recipe(default_recipe() if recipe_path is None else recipe_path)
    part = recipe.data.model_copy(update={"training_only": []} | ({} if corrected else {"corrections": []}))
    captures = load_captures(recipe.model_copy(update={"data": part}), data, report)
    return Labelled(captures, [capture.name for capture in captures], recipe.class_names)


def run(found: Labelled, asked: Asked, report: Callable[[str], None]) -> Audit:
    """Judge the labels. Raises InputError, ModelError, and ConfigError where the extra is not installed."""
    needed("cleanlab", "lightgbm", "sklearn")
    if asked.model is None:
        probabilities = from_trees(
            found.captures,
            len(found.classes),
            whole_groups=asked.leave_out == "group",
            folds=asked.folds,
            seed=asked.seed,
            threads=asked.threads,
            report=report,
        )
    else:
        probabilities = from_bundle(found.captures, load_bundle(asked.model), found.classes)
    return audit(
        found.captures, found.names, found.classes, probabilities, least=asked.least, share=asked.share
    )


def as_csv(found: Audit) -> str:
    """The suspects as a table of label corrections, to be read, thinned out and kept."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for suspect in found.suspects:
        writer.writerow(_rule(suspect))
    return text.getvalue()


def as_json(found: Audit, asked: Asked) -> str:
    """Everything about the audit as one JSON object."""
    document = {
        "format": 1,
        "asked": asdict(asked),
        "judged": found.judged,
        "unjudged": found.unjudged,
        "issues": found.issues,
        "shown": found.shown,
        "suspects": [_entry(suspect) for suspect in found.suspects],
    }
    return json.dumps(document, indent=1) + "\n"


def _rule(suspect: Suspect) -> dict[str, str | int]:
    return {
        "file": suspect.file,
        "id.orig_h": "",
        "id.resp_h": suspect.resp_h,
        "id.resp_p": suspect.resp_p,
        "proto": suspect.proto,
        "conn_state": suspect.conn_state,
        "given": suspect.given,
        "corrected": suspect.suggested,
        "connections": suspect.connections,
        "reason": suspect.reason,
    }


def _entry(suspect: Suspect) -> dict[str, Any]:
    own = {
        "issues": suspect.issues,
        "hosts": suspect.hosts,
        "margin": round(suspect.margin, 4),
        "uid": suspect.uid,
    }
    return _rule(suspect) | own
