"""``zeekml evaluate``: bundles on labelled logs, and everything that can be said of their verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import zeekml
from zeekml.config import Settings
from zeekml.evaluation.extras import needed
from zeekml.evaluation.figures import calibration, class_figures, curves
from zeekml.evaluation.hosts import KINDS, false_alerts, host_outcomes, network_outcome
from zeekml.evaluation.logs import LabelledLog, LabelledLogs
from zeekml.evaluation.paired import Resample, compared
from zeekml.evaluation.parts import Part, as_they_are, overlays
from zeekml.evaluation.truth import Truth
from zeekml.evaluation.verdicts import Judge
from zeekml.pipeline.progress import Progress
from zeekml.scoring import load_bundle
from zeekml.scoring.manifest import Manifest
from zeekml.training.measure import (
    FPRS,
    connection_figures,
    counted,
    host_figures,
    host_peaks,
    host_threshold,
)
from zeekml.training.recipe import VerdictPart

#: The form of the document; a change that readers must know of raises it.
FORMAT = 1


@dataclass(frozen=True)
class Asked:
    """How to evaluate: the false-positive rates at which recall is stated, overlays or logs as they are, draws."""

    fprs: tuple[float, ...] = FPRS
    overlay: bool = False
    seed: int = 0
    resample: Resample | None = None
    draws: int = 1000


@dataclass(eq=False)
class Gathered:
    """What one judge said of all parts, as it comes in."""

    judge: Judge
    score: list[NDArray[np.float64]] = field(default_factory=list)
    class_index: list[NDArray[np.int64]] = field(default_factory=list)
    hosts: list[dict[str, Any]] = field(default_factory=list)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    false: list[dict[str, Any]] = field(default_factory=list)

    def add(self, part: Part) -> None:
        """Judge a part."""
        verdicts = self.judge.judge(part.frame, part.stream)
        rows = part.as_rows
        hosts = host_outcomes(rows, verdicts, part.known)
        self.score.append(verdicts.score)
        self.class_index.append(verdicts.class_index)
        if not part.names:
            self.networks[part.name] = network_outcome(rows, verdicts, hosts)
        self.false += [{"capture": part.name} | alert for alert in false_alerts(rows, verdicts, hosts)]
        for entry in hosts:
            capture, host = part.names.get(entry["host"], (part.name, entry["host"]))
            self.hosts.append({"capture": capture} | entry | {"host": host})


def evaluate(
    models: Sequence[str],
    paths: Sequence[str],
    truth: Truth,
    asked: Asked,
    settings: Settings,
    progress: Progress,
) -> tuple[dict[str, Any], LabelledLogs]:
    """Evaluate one bundle, or two against each other, on the logs under ``paths``.

    Returns the document (docs/evaluate.md has its fields) and the logs, whose ``problems`` say what could not be read.
    Raises ModelError, ConfigError, RecipeError and InputError.
    """
    needed("sklearn", "scipy", "matplotlib")
    if asked.overlay:
        # Which hosts are local is the recipe's to say there, and a bot may lie under any local address.
        alerts = settings.alerts.model_copy(update={"alert_inbound": True})
        settings = settings.model_copy(update={"alerts": alerts})
    judges = [Judge(load_bundle(model), settings) for model in models]
    logs = LabelledLogs(paths, truth, progress)
    read: list[dict[str, Any]] = []
    parts: Iterable[Part]
    if asked.overlay:
        held = list(logs)
        read = [_log(log) for log in held]
        parts = overlays(held, truth, asked.seed)
    else:
        parts = as_they_are(_noted(logs, read), truth, judges[0].policy)
    gathered = [Gathered(judge) for judge in judges]
    rows = []
    for part in parts:
        rows.append(part.rows)
        for one in gathered:
            one.add(part)
    document = assembled(pd.concat(rows, ignore_index=True), gathered, read, truth.recipe.class_names, asked)
    for model in document["models"]:
        if model["trained_on"]:
            some = ", ".join(entry["log"] for entry in model["trained_on"][:3])
            progress.warning(
                f"{model['name']} was trained on {len(model['trained_on'])} of these logs ({some}): the figures say "
                "nothing about traffic that it has not seen"
            )
    return document, logs


def assembled(
    rows: pd.DataFrame,
    gathered: Sequence[Gathered],
    logs: list[dict[str, Any]],
    class_names: Sequence[str],
    asked: Asked,
) -> dict[str, Any]:
    """The document of what was gathered; ``class_names`` are those of the labels of ``rows``."""
    models = [_model(rows, one, logs, class_names, asked) for one in gathered]
    comparison = None
    if len(gathered) == 2:
        keep = counted(rows)
        comparison = compared(
            rows[keep],
            [np.concatenate(one.score)[keep] for one in gathered],
            [one.judge.cut for one in gathered],
            [one.hosts for one in gathered],
            fprs=asked.fprs,
            resample=asked.resample,
            draws=asked.draws,
            seed=asked.seed,
        )
    document = {
        "format": FORMAT,
        "zeekml": zeekml.__version__,
        "layout": "overlay" if asked.overlay else "logs",
        "seed": asked.seed,
        "false_positive_rates": list(asked.fprs),
        "logs": logs,
        "models": models,
        "comparison": comparison,
    }
    return {name: tidy(value) for name, value in document.items()}


def tidy(value: Any) -> Any:
    """A value with its fractions cut to six significant digits, so that two runs on one machine agree in text."""
    if isinstance(value, dict):
        return {key: each if key == "ts" else tidy(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _noted(logs: LabelledLogs, read: list[dict[str, Any]]) -> Iterable[LabelledLog]:
    for log in logs:
        read.append(_log(log))
        yield log


def _log(log: LabelledLog) -> dict[str, Any]:
    labels = log.capture.labels
    return {
        "capture": log.capture.name,
        "name": log.name,
        "files": log.files,
        "labelled": log.labelled,
        "connections": len(labels),
        "counted": int((labels >= 0).sum()),
        "malicious": int((labels > 0).sum()),
    }


def _model(
    rows: pd.DataFrame, one: Gathered, logs: list[dict[str, Any]], class_names: Sequence[str], asked: Asked
) -> dict[str, Any]:
    bundle, policy = one.judge.bundle, one.judge.policy
    score, class_index = np.concatenate(one.score), np.concatenate(one.class_index)
    keep = counted(rows)
    bad = (rows["label"] > 0).to_numpy()[keep]
    figures = connection_figures(rows, score, one.judge.cut, asked.fprs)
    captures = figures.pop("captures")
    classes = [*bundle.classes, *(name for name in class_names if name not in bundle.classes)]
    place = np.array([classes.index(name) for name in class_names])
    said = np.where(score[keep] >= one.judge.cut, class_index[keep], 0)
    shown = class_figures(place[rows["label"].to_numpy()[keep]], said, classes)
    figures["context"] = int((~keep).sum())
    return {
        "name": bundle.name,
        "version": bundle.version,
        "weights_sha256": bundle.manifest.files.get("weights.safetensors"),
        "thresholds": {"connection": policy.connection_threshold, "host": policy.host_threshold},
        "trained_on": trained_on(bundle.manifest, logs),
        "connections": figures
        | shown
        | curves(bad, score[keep])
        | {"calibration": calibration(bad, score[keep])},
        "captures": [
            {"capture": name} | captures.get(name, {})
            for name in sorted({*captures, *(log["capture"] for log in logs)})
        ],
        "host_summary": host_summary(one.hosts),
        "host_ranking": _ranking(rows, score, class_index, one.judge) if asked.overlay else None,
        "hosts": one.hosts,
        "networks": [{"capture": name} | outcome for name, outcome in sorted(one.networks.items())],
        "false_host_alerts": one.false,
    }


def trained_on(manifest: Manifest, logs: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The logs that a bundle or its parents were trained on, told by the content of a file, or by the name alone."""
    tuning = manifest.tuning
    site = () if tuning is None else (*tuning.logs, *tuning.earlier_logs)
    names = {log.name for log in manifest.training.logs} | {log.name for log in site}
    contents = {log.sha256 for log in manifest.training.logs} | {file for log in site for file in log.sha256}
    return [
        {"log": log["capture"], "by": "content" if contents & set(log["files"].values()) else "name"}
        for log in logs
        if contents & set(log["files"].values()) or log["name"] in names
    ]


def host_summary(hosts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many infected and clean hosts were flagged, and the medians of how soon."""
    infected = [host for host in hosts if host["infected"]]
    clean = [host for host in hosts if not host["infected"] and host["watched"]]
    found: dict[str, Any] = {
        "infected": len(infected),
        "infected_watched": sum(host["watched"] for host in infected),
        "clean": len(clean),
    }
    for kind in KINDS.values():
        first = [host[kind] for host in infected if host[kind] is not None]
        found[kind] = {
            "infected": len(first),
            "clean": sum(host[kind] is not None for host in clean),
            "median_connections": median(each["connections"] for each in first) if first else None,
            "median_seconds": median(each["seconds"] for each in first) if first else None,
        }
    return found


def _ranking(
    rows: pd.DataFrame, score: NDArray[np.float64], class_index: NDArray[np.int64], judge: Judge
) -> dict[str, Any]:
    """Host figures as the folds of training have them: at the host threshold, and when 1 % of clean hosts are named."""
    policy = judge.policy
    part = VerdictPart(half_life=policy.half_life)
    peaks = host_peaks(rows, score, class_index, policy.evidence_floor, part)
    cut = host_threshold(peaks, part)
    return {
        "at_threshold": host_figures(peaks, policy.host_threshold, part),
        "at_host_fpr": {"host_fpr": part.host_fpr, "threshold": cut} | host_figures(peaks, cut, part),
    }
