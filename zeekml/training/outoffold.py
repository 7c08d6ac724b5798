"""What networks and trees say of captures that they were trained without: the folds, dealt anew for every seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from zeekml.errors import RecipeError
from zeekml.features import Encoding
from zeekml.networks import Network
from zeekml.processes import worked_out
from zeekml.scoring.calibration import log_odds
from zeekml.scoring.ensemble import Ensemble
from zeekml.scoring.runner import Runner
from zeekml.scoring.trees import Trees as ShippedTrees
from zeekml.training.captures import Capture, load_captures
from zeekml.training.fit import Teacher, fit
from zeekml.training.folds import Fold, deal
from zeekml.training.heldout import HeldOut
from zeekml.training.kept import Kept
from zeekml.training.measure import counted, validation_figures
from zeekml.training.members import fit_members
from zeekml.training.recipe import Recipe
from zeekml.training.said import Said, Task
from zeekml.training.samples import Material
from zeekml.training.trees import as_arrays, fit_shipped_trees, fit_trees, grounds, teacher_of
from zeekml.training.watcher import Silent, Watcher

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """All held-out rows (N) of one seed, the fold of each, and what those said that were trained without it.

    ``logits`` (N, K) are the networks', ``trees`` (N,) the log odds of the trees of the comparison, ``shipped`` (N,)
    those of the trees that would be shipped with the network, if the recipe ships any.
    """

    seed: int
    rows: pd.DataFrame
    fold: NDArray[np.int64]
    logits: NDArray[np.float32]
    trees: Floats
    shipped: Floats | None


@dataclass(frozen=True, eq=False)
class Measured:
    """The held-out rows of every seed, and for how many epochs networks are trained.

    ``best_epochs`` are those found in each fold of the first seed, none where the recipe fixes the number.
    """

    seeds: tuple[OutOfFold, ...]
    best_epochs: tuple[int, ...]
    epochs: int


def out_of_fold(
    captures: Sequence[Capture],
    recipe: Recipe,
    data: Path,
    processes: int,
    watcher: Watcher,
    folds: Path | None = None,
) -> Measured:
    """Networks and trees for each fold of each seed, each trained on the captures of the other folds.

    Every fold's network is trained for the median of the first seed's best epochs, as the shipped one is: networks
    that were stopped at different times would not share a scale, and pooling their scores would measure that.
    ``processes`` parts of folds are worked out at a time; their number changes no figure. Finished ones are kept in
    ``folds``, if it is given, and taken from there. Raises RecipeError and OutputError.
    """
    seeds = range(recipe.seed, recipe.seed + recipe.seeds)
    for seed in seeds:
        _check(deal(captures, recipe.folds, seed), seed)
    kept = Kept(folds, recipe, captures)
    run = partial(_spread_out, captures, recipe, data, processes, watcher, kept)
    best: tuple[int, ...] = ()
    if recipe.fit.patience:
        best = tuple(
            said.best_epoch for said in run([Task(recipe.seed, k, "epoch") for k in range(recipe.folds)])
        )
    epochs = round(median(best)) if best else recipe.fit.epochs
    dealt = [(seed, fold) for seed in seeds for fold in range(recipe.folds)]
    grown = [Task(seed, fold, "trees") for seed, fold in dealt]
    trained = [Task(seed, fold, "network", epochs) for seed, fold in dealt]
    said = iter(zip(*_halves(run([*grown, *trained])), strict=True))
    found = [_joined(seed, [next(said) for _ in range(recipe.folds)]) for seed in seeds]
    return Measured(tuple(found), best, epochs)


def _halves(said: list[Said]) -> tuple[list[Said], list[Said]]:
    return said[: len(said) // 2], said[len(said) // 2 :]


def _check(folds: Sequence[Fold], seed: int) -> None:
    for fold in folds:
        if not any((capture.labels > 0).any() for capture in fold.infected):
            names = ", ".join(capture.name for capture in fold.infected)
            raise RecipeError(
                f"folds: with seed {seed} one fold holds no malicious connection (only {names}): lower folds, take "
                "another seed or fewer seeds, or check the class map"
            )


def _spread_out(
    captures: Sequence[Capture],
    recipe: Recipe,
    data: Path,
    processes: int,
    watcher: Watcher,
    kept: Kept,
    tasks: Sequence[Task],
) -> list[Said]:
    """What comes of each task, in their order."""
    done = {task: said for task in tasks if (said := kept.finished(task)) is not None}
    left = [task for task in tasks if task not in done]
    found: Iterator[tuple[Task, Said]]
    if processes == 1 or not left:
        found = ((task, _fold(task, captures, recipe, watcher)) for task in left)
    else:
        watcher.begin(f"{len(left)} parts of folds, {processes} at a time", 0)
        work = partial(_in_process, recipe=recipe.model_dump_json(), data=data)
        found = worked_out(work, left, processes, "--processes 1")
    for task, said in found:
        kept.keep(task, said)
        done[task] = said
        if processes > 1:
            watcher.begin(f"{len(done)} of {len(tasks)}: {task.named(recipe)}", 0)
    return [done[task] for task in tasks]


def _in_process(task: Task, recipe: str, data: Path) -> Said:
    """``_fold`` in a process of its own, which reads the captures once."""
    return _fold(task, *_loaded(recipe, data), Silent())


@lru_cache(maxsize=1)
def _loaded(recipe: str, data: Path) -> tuple[list[Capture], Recipe]:
    read = Recipe.model_validate_json(recipe)
    torch.set_num_threads(read.threads)
    return load_captures(read, data), read


def _fold(task: Task, captures: Sequence[Capture], recipe: Recipe, watcher: Watcher) -> Said:
    folds = deal(captures, recipe.folds, task.seed)
    if task.part == "epoch":
        return Said(best_epoch=_best_epoch(task, folds, captures, recipe, watcher))
    if task.part == "network":
        return _of_network(task, folds[task.fold], captures, recipe, watcher)
    return _of_trees(task, folds[task.fold], captures, recipe, watcher)


def _of_trees(task: Task, fold: Fold, captures: Sequence[Capture], recipe: Recipe, watcher: Watcher) -> Said:
    """What trees that were grown on the other folds say of this one."""
    held_out = HeldOut(fold, recipe, task.seed + task.fold)
    watcher.begin(task.named(recipe), 0)
    ground = grounds(Material(_without(captures, fold), recipe), recipe, task.seed)
    grown = fit_trees(ground, recipe, task.seed)
    shipped = None
    if recipe.trees.share:
        beside = as_arrays(fit_shipped_trees(ground, recipe, task.seed))
        shipped = held_out.predict(_odds_of(beside))[:, 0]
    return Said(trees=held_out.predict(lambda: grown.predict)[:, 0], shipped=shipped)


def _of_network(
    task: Task, fold: Fold, captures: Sequence[Capture], recipe: Recipe, watcher: Watcher
) -> Said:
    """What a network that was trained on the other folds says of this one."""
    held_out = HeldOut(fold, recipe, task.seed + task.fold)
    material = Material(_without(captures, fold), recipe)
    fitted = fit_members(
        material,
        recipe,
        seed=task.seed,
        epochs=task.epochs,
        teacher=_teacher(material, recipe, task),
        watcher=watcher,
        stage=task.named(recipe),
    )
    return Said(rows=held_out.rows, logits=held_out.predict(lambda: runner(fitted.network, fitted.encoding)))


def _teacher(material: Material, recipe: Recipe, task: Task) -> Teacher | None:
    """The trees that teach a network, if the recipe has any."""
    if not recipe.fit.taught:
        return None
    ground = grounds(material, recipe, task.seed)
    return teacher_of(fit_trees(ground, recipe, task.seed), ground, recipe, task.seed)


def _best_epoch(
    task: Task, folds: Sequence[Fold], captures: Sequence[Capture], recipe: Recipe, watcher: Watcher
) -> int:
    """After how many epochs a network without the fold and the next one does well on the next one."""
    validation = folds[(task.fold + 1) % len(folds)]
    watching = HeldOut(validation, recipe, task.seed + 1000 + task.fold)
    keep = counted(watching.rows)
    rows = watching.rows[keep]

    def validate(network: Network, encoding: Encoding) -> dict[str, float]:
        logits = watching.predict(lambda: runner(network, encoding))[keep]
        return validation_figures(rows, log_odds(logits), logits.argmax(axis=1))

    watcher.begin(task.named(recipe), recipe.fit.epochs)
    material = Material(_without(captures, folds[task.fold], validation), recipe)
    teacher = _teacher(material, recipe, task)
    found = fit(material, recipe, seed=task.seed, teacher=teacher, validate=validate, report=watcher.epoch)
    return found.latest_good_epoch(recipe.fit.tolerance)


def _joined(seed: int, said: Sequence[tuple[Said, Said]]) -> OutOfFold:
    """The folds of a seed as one: of each, what trees and what a network said."""
    rows = [network.rows for _, network in said if network.rows is not None]
    shipped = [trees.shipped for trees, _ in said if trees.shipped is not None]
    return OutOfFold(
        seed,
        pd.concat(rows, ignore_index=True),
        np.repeat(np.arange(len(rows)), [len(part) for part in rows]),
        np.concatenate([network.logits for _, network in said if network.logits is not None]),
        np.concatenate([trees.trees for trees, _ in said if trees.trees is not None]).astype(np.float64),
        np.concatenate(shipped).astype(np.float64) if shipped else None,
    )


def _without(captures: Sequence[Capture], *folds: Fold) -> list[Capture]:
    left_out = set().union(*(fold.groups for fold in folds))
    return [capture for capture in captures if capture.group not in left_out]


def _odds_of(trees: ShippedTrees) -> Callable[[], Callable[..., NDArray[np.float32]]]:
    return lambda: lambda block: trees.log_odds(block.matrix)[:, None].astype(np.float32)


def runner(network: Network | Ensemble, encoding: Encoding) -> Callable[..., NDArray[np.float32]]:
    """Logits (N, K) of blocks in log order, the state carried from one to the next."""
    return Runner(network, encoding).logits
