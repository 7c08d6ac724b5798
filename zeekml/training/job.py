"""From a recipe and labelled logs to a bundle: folds, calibration, thresholds, the final network, its card."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zeekml
from zeekml.errors import RecipeError
from zeekml.features import LAYOUT
from zeekml.scoring.bundle import CARD, METRICS, load_bundle
from zeekml.scoring.calibration import Calibration
from zeekml.scoring.store import arrays_of, check_target, save_bundle
from zeekml.scoring.trees import Trees as ShippedTrees
from zeekml.training.calibrate import fit_reasons
from zeekml.training.captures import Capture, load_captures
from zeekml.training.judge import judge
from zeekml.training.made import chosen
from zeekml.training.members import Trained, fit_members
from zeekml.training.outoffold import out_of_fold, runner
from zeekml.training.recipe import Recipe, load_recipe
from zeekml.training.reference import training_reference
from zeekml.training.report import model_card
from zeekml.training.samples import Material, as_block
from zeekml.training.trees import as_arrays, fit_shipped_trees, fit_trees, grounds, teacher_of
from zeekml.training.watcher import Watcher


@dataclass(frozen=True, eq=False)
class Final:
    """What is shipped: the network of all captures, and the trees beside it if there are any."""

    fitted: Trained
    trees: ShippedTrees | None


def train(
    recipe_path: Path,
    data: Path,
    out: Path,
    watcher: Watcher,
    processes: int = 1,
    folds: Path | None = None,
) -> Path:
    """Train by a recipe on the logs below ``data``; the bundle is written to ``out / name`` and its folder returned.

    ``processes`` folds are measured at a time; the bundle is the same whatever their number. Finished folds are kept
    in the folder ``folds``, if it is given, and taken from there when nothing that they came from has changed.
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
    measured = out_of_fold(captures, recipe, data, processes, watcher, folds)
    epochs = measured.epochs

    material = Material(captures, recipe)
    teacher, trees = None, None
    ground = grounds(material, recipe, recipe.seed) if recipe.fit.taught or recipe.trees.share else []
    if recipe.fit.taught:
        watcher.begin("trees that teach the final network", 0)
        teacher = teacher_of(fit_trees(ground, recipe, recipe.seed), ground, recipe, recipe.seed)
    if recipe.trees.share:
        watcher.begin("trees beside the final network", 0)
        trees = as_arrays(fit_shipped_trees(ground, recipe, recipe.seed))
    del ground
    final = fit_members(
        material,
        recipe,
        seed=recipe.seed,
        epochs=epochs,
        teacher=teacher,
        watcher=watcher,
        stage="final network, all captures",
    )

    calibration, metrics = judge(measured, recipe)
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
    chosen(recipe.made.behaviours, recipe.class_names, recipe.made.without)
    for kind, groups in (
        ("infected", {c.group for c in captures if c.measured and c.infected}),
        ("clean", {c.group for c in captures if c.measured and c.clean}),
    ):
        if len(groups) < recipe.folds:
            raise RecipeError(
                f"folds: {recipe.folds} folds need as many groups of {kind} captures, found {len(groups)}; "
                "lower folds or add captures"
            )


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
    logits = runner(fitted.network, fitted.encoding)(as_block(sequences))
    coefficients, typical, fidelity = fit_reasons(fitted.encoding, sequences, logits)
    thresholds = dict(metrics["thresholds"])
    evidence = {"floor": thresholds.pop("floor"), "floor_fpr": thresholds.pop("floor_fpr")}
    config = fitted.network.config
    manifest = {
        "name": recipe.name,
        "version": recipe.version,
        "description": " ".join(recipe.description.split()),
        "code_version": zeekml.__version__,
        "classes": recipe.class_names,
        "network": {name: getattr(config, name) for name in config.__slots__}
        | {"members": recipe.network.members},
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
    drift = training_reference(fitted.encoding, sequences, recipe.fit, metrics["near_threshold"])
    arrays = arrays_of(fitted.network, fitted.encoding, coefficients, typical, trees, drift)
    texts = {METRICS: json.dumps(metrics, indent=1) + "\n", CARD: model_card(recipe, metrics, logs)}
    save_bundle(folder, manifest, arrays, texts)
    load_bundle(folder.resolve())
