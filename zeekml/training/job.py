"""From a recipe and labelled logs to a bundle: folds, calibration, thresholds, the final network, its card."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import zeekml
from zeekml.errors import RecipeError
from zeekml.features import LAYOUT, Encoding
from zeekml.networks import Network
from zeekml.scoring.bundle import CARD, METRICS, arrays_of, load_bundle
from zeekml.scoring.calibration import Calibration, log_odds
from zeekml.scoring.runner import Runner
from zeekml.scoring.store import check_target, save_bundle
from zeekml.scoring.trees import Trees as ShippedTrees
from zeekml.scoring.trees import blended
from zeekml.training.calibrate import fit_reasons
from zeekml.training.captures import Capture, load_captures
from zeekml.training.fit import Epoch, Fitted, fit
from zeekml.training.folds import Fold, deal
from zeekml.training.heldout import HeldOut
from zeekml.training.judge import OutOfFold, judge
from zeekml.training.made import chosen
from zeekml.training.measure import counted, validation_figures
from zeekml.training.recipe import Recipe, load_recipe
from zeekml.training.report import model_card
from zeekml.training.samples import Material, as_block
from zeekml.training.trees import as_arrays, fit_shipped_trees, fit_trees, teacher_of


class Watcher(Protocol):
    """Is told how training goes."""

    def begin(self, stage: str, epochs: int) -> None:
        """A stage begins that takes at most this many epochs (0: not counted)."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the stage is done."""


@dataclass(frozen=True, eq=False)
class Final:
    """What is shipped: the network of all captures, and the trees beside it if there are any."""

    fitted: Fitted
    trees: ShippedTrees | None


def train(recipe_path: Path, data: Path, out: Path, watcher: Watcher) -> Path:
    """Train by a recipe on the logs below ``data``; the bundle is written to ``out / name`` and its folder returned.

    Raises RecipeError (recipe or data are not as they should be) and OutputError (the folder holds something else).
    """
    recipe = load_recipe(recipe_path)
    folder = out / recipe.name
    _check_extras()
    check_target(folder)
    torch.set_num_threads(recipe.threads)
    watcher.begin("reading the logs", 0)
    captures = load_captures(recipe, data)
    _check(captures, recipe)
    held_out = _out_of_fold(captures, recipe, watcher)
    epochs = held_out.epochs

    material = Material(captures, recipe)
    teacher = None
    if recipe.fit.taught:
        watcher.begin("trees that teach the final network", 0)
        teacher = teacher_of(fit_trees(material, recipe, recipe.seed), material, recipe, recipe.seed)
    trees = None
    if recipe.trees.share:
        watcher.begin("trees beside the final network", 0)
        trees = as_arrays(fit_shipped_trees(material, recipe, recipe.seed))
    watcher.begin("final network, all captures", epochs)
    final = fit(material, recipe, seed=recipe.seed, stop_after=epochs, teacher=teacher, report=watcher.epoch)

    calibration, metrics = judge(held_out, recipe)
    metrics["epochs"] = epochs
    _write(folder, recipe, recipe_path, captures, material, Final(final, trees), calibration, metrics)
    return folder


def _check_extras() -> None:
    absent = [name for name in ("sklearn", "lightgbm") if importlib.util.find_spec(name) is None]
    if absent:
        raise RecipeError(
            f"training needs {' and '.join(absent)}, not installed here: pip install 'zeekml[evaluate]'"
        )


def _check(captures: Sequence[Capture], recipe: Recipe) -> None:
    chosen(recipe.made.behaviours, recipe.class_names)
    for kind, groups in (
        ("infected", {c.group for c in captures if c.measured and c.infected}),
        ("clean", {c.group for c in captures if c.measured and c.clean}),
    ):
        if len(groups) < recipe.folds:
            raise RecipeError(
                f"folds: {recipe.folds} folds need as many groups of {kind} captures, found {len(groups)}; "
                "lower folds or add captures"
            )


def _out_of_fold(captures: Sequence[Capture], recipe: Recipe, watcher: Watcher) -> OutOfFold:
    """Networks and trees for each fold, each trained on the captures of the other folds.

    Every fold's network is trained for the median of the best epochs, as the shipped one is: networks that were
    stopped at different times would not share a scale, and pooling their scores would measure that.
    """
    folds = deal(captures, recipe.folds, recipe.seed)
    for fold in folds:
        if not any((capture.labels > 0).any() for capture in fold.infected):
            names = ", ".join(capture.name for capture in fold.infected)
            raise RecipeError(
                f"folds: one fold holds no malicious connection (only {names}): lower folds, take another seed, "
                "or check the class map"
            )
    best = []
    for number, fold in enumerate(folds if recipe.fit.patience else []):
        validation = folds[(number + 1) % len(folds)]
        best.append(_best_epoch(_without(captures, fold, validation), validation, recipe, number, watcher))
    epochs = round(median(best)) if best else recipe.fit.epochs
    rows, logits, trees, shipped = [], [], [], []
    for number, fold in enumerate(folds):
        held_out = HeldOut(fold, recipe, recipe.seed + number)
        material = Material(_without(captures, fold), recipe)
        watcher.begin(f"fold {number + 1} of {len(folds)}, boosted trees", 0)
        grown = fit_trees(material, recipe, recipe.seed)
        trees.append(held_out.predict(lambda grown=grown: grown.predict)[:, 0])  # type: ignore[misc]
        teacher = teacher_of(grown, material, recipe, recipe.seed)
        watcher.begin(f"fold {number + 1} of {len(folds)}", epochs)
        fitted = fit(
            material, recipe, seed=recipe.seed, stop_after=epochs, teacher=teacher, report=watcher.epoch
        )
        logits.append(held_out.predict(lambda fitted=fitted: _runner(fitted.network, fitted.encoding)))  # type: ignore[misc]
        if recipe.trees.share:
            small = as_arrays(fit_shipped_trees(material, recipe, recipe.seed))
            shipped.append(held_out.predict(lambda small=small: _odds_of(small))[:, 0])  # type: ignore[misc]
        rows.append(held_out.rows)
    pooled = pd.concat(rows, ignore_index=True)
    fold_of_row = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    return OutOfFold(
        pooled,
        fold_of_row,
        np.concatenate(logits),
        np.concatenate(trees).astype(np.float64),
        np.concatenate(shipped).astype(np.float64) if shipped else None,
        tuple(best),
        epochs,
    )


def _best_epoch(
    captures: list[Capture], validation: Fold, recipe: Recipe, number: int, watcher: Watcher
) -> int:
    """After how many epochs a network without the fold and the validation does well on the validation."""
    watching = HeldOut(validation, recipe, recipe.seed + 1000 + number)
    keep = counted(watching.rows)
    rows = watching.rows[keep]

    def validate(network: Network, encoding: Encoding) -> dict[str, float]:
        logits = watching.predict(lambda: _runner(network, encoding))[keep]
        return validation_figures(rows, log_odds(logits), logits.argmax(axis=1))

    watcher.begin(f"fold {number + 1} of {recipe.folds}, finding the epoch", recipe.fit.epochs)
    material = Material(captures, recipe)
    teacher = None
    if recipe.fit.taught:
        teacher = teacher_of(fit_trees(material, recipe, recipe.seed), material, recipe, recipe.seed)
    found = fit(material, recipe, seed=recipe.seed, teacher=teacher, validate=validate, report=watcher.epoch)
    return found.latest_good_epoch(recipe.fit.tolerance)


def _without(captures: Sequence[Capture], *folds: Fold) -> list[Capture]:
    left_out = set().union(*(fold.groups for fold in folds))
    return [capture for capture in captures if capture.group not in left_out]


def _odds_of(trees: ShippedTrees) -> Callable[..., NDArray[np.float32]]:
    return lambda block: trees.log_odds(block.matrix)[:, None].astype(np.float32)


def _runner(network: Network, encoding: Encoding) -> Callable[..., NDArray[np.float32]]:
    return Runner(network, encoding).logits


def _write(
    folder: Path,
    recipe: Recipe,
    recipe_path: Path,
    captures: Sequence[Capture],
    material: Material,
    final: Final,
    calibration: Calibration,
    metrics: dict[str, Any],
) -> None:
    logs = [
        {
            "name": capture.name,
            "group": capture.group,
            "connections": len(capture.labels),
            "sha256": hashlib.sha256(capture.path.read_bytes()).hexdigest(),
        }
        for capture in captures
    ]
    sequences = material.epoch(np.random.default_rng(recipe.seed))
    fitted, trees, share = final.fitted, final.trees, recipe.trees.share
    logits = _runner(fitted.network, fitted.encoding)(as_block(sequences))
    if trees is not None:
        logits = blended(logits, trees.log_odds(sequences.features), share)
    coefficients, typical, fidelity = fit_reasons(fitted, sequences, logits)
    thresholds = dict(metrics["thresholds"])
    evidence = {"floor": thresholds.pop("floor"), "floor_fpr": thresholds.pop("floor_fpr")}
    config = fitted.network.config
    manifest = {
        "name": recipe.name,
        "version": recipe.version,
        "description": " ".join(recipe.description.split()),
        "code_version": zeekml.__version__,
        "classes": recipe.class_names,
        "network": {name: getattr(config, name) for name in config.__slots__},
        "layout": {
            "name": LAYOUT.name,
            "version": LAYOUT.version,
            "digest": LAYOUT.digest,
            "features": LAYOUT.names,
        },
        "encoding": {
            "mode": fitted.encoding.mode,
            "bins": fitted.encoding.bins,
            "used": [name for name, used in zip(LAYOUT.names, fitted.encoding.used, strict=True) if used],
        },
        "trees": None if trees is None else {"count": len(trees.leaves), "share": share},
        "calibration": {"given": calibration.given, "meant": calibration.meant},
        "thresholds": thresholds,
        "evidence": {**evidence, "half_life": recipe.verdicts.half_life},
        "reasons": {"fidelity": fidelity},
        "training": {
            "recipe_sha256": hashlib.sha256(recipe_path.read_bytes()).hexdigest(),
            "seed": recipe.seed,
            "epochs": metrics["epochs"],
            "logs": logs,
        },
    }
    arrays = arrays_of(fitted.network, fitted.encoding, coefficients, typical, trees)
    texts = {METRICS: json.dumps(metrics, indent=1) + "\n", CARD: model_card(recipe, metrics, logs)}
    save_bundle(folder, manifest, arrays, texts)
    load_bundle(folder.resolve())
