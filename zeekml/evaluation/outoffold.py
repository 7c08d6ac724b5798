"""Class probabilities from models that never saw the log they speak of: boosted trees by folds of whole logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.errors import InputError
from zeekml.features import StateLimits, StreamState, blocks
from zeekml.scoring import Bundle, Scorer
from zeekml.training.captures import Capture

Floats = NDArray[np.float64]

#: A capture with n connections of a class weighs n to this power there: a flood does not outweigh everything else.
_POWER = 0.5


@dataclass(frozen=True, eq=False)
class Probabilities:
    """``matrix`` (N, K): the probability of each class for the connections of all captures one after the other.

    ``judged`` (N,): those that can be judged. A connection cannot whose label is context, or a class that no other
    fold holds.
    """

    matrix: Floats
    judged: NDArray[np.bool_]


def from_trees(
    captures: Sequence[Capture],
    classes: int,
    *,
    whole_groups: bool,
    folds: int,
    seed: int,
    threads: int,
    report: Callable[[str], None] = lambda _: None,
) -> Probabilities:
    """Grow boosted trees on all folds but one and ask them of that one, for every fold.

    Captures are dealt to at most ``folds`` folds, drawn by the seed: those of a group to one fold (``whole_groups``),
    or to as many different ones as there are, so that trees know the rest of the laboratory that a capture is from.
    Raises InputError with fewer than two parts.
    """
    import lightgbm  # noqa: PLC0415 - an extra

    parts = deal(captures, folds, seed, whole_groups=whole_groups)
    features = np.concatenate([_features(capture) for capture in captures])
    labels = np.concatenate([capture.labels for capture in captures])
    of_row = np.repeat(np.arange(len(captures)), [len(capture.labels) for capture in captures])
    matrix, judged = np.zeros((len(labels), classes)), labels >= 0
    weight = _weights(of_row, labels)
    for number, part in enumerate(parts, 1):
        report(f"fold {number} of {len(parts)}")
        held_out = np.isin(of_row, part)
        fit = ~held_out & (labels >= 0)
        known, index = np.unique(labels[fit], return_inverse=True)
        judged &= ~held_out | np.isin(labels, known)
        if len(known) < 2:
            judged &= ~held_out
            continue
        booster = lightgbm.train(
            {
                "objective": "multiclass",
                "num_class": len(known),
                "learning_rate": 0.1,
                "num_leaves": 15,
                "min_data_in_leaf": 20,
                "feature_fraction": 0.5,
                "bagging_fraction": 0.5,
                "bagging_freq": 1,
                "lambda_l2": 5.0,
                "max_bin": 63,
                "seed": seed,
                "deterministic": True,
                "num_threads": threads,
                "verbosity": -1,
            },
            lightgbm.Dataset(features[fit], index, weight=weight[fit]),
            num_boost_round=60,
        )
        asked = np.flatnonzero(held_out & judged)
        if len(asked):
            matrix[np.ix_(asked, known)] = booster.predict(features[asked])
    return Probabilities(matrix, judged)


def from_bundle(captures: Sequence[Capture], bundle: Bundle, classes: Sequence[str]) -> Probabilities:
    """What a bundle says of the captures: Benign, its most probable other class, and the rest spread evenly.

    ``classes`` are those of the labels; a label that the bundle has no class for cannot be judged.
    """
    place = {name: index for index, name in enumerate(classes)}
    to = np.array([place.get(name, -1) for name in bundle.classes])
    known = np.isin(np.arange(len(classes)), to)
    parts, judged = [], []
    for capture in captures:
        scores = Scorer(bundle).score(capture.frame, capture.name)
        score, best = scores.score.astype(np.float64), scores.class_score.astype(np.float64)
        others = max(int(known.sum()) - 2, 1)
        matrix = np.where(known, ((score - best) / others)[:, None], 0.0)
        matrix[:, 0] = 1 - score
        rows = np.flatnonzero(to[scores.class_index] >= 0)
        matrix[rows, to[scores.class_index[rows]]] = best[rows]
        parts.append(matrix / matrix.sum(axis=1, keepdims=True))
        judged.append((capture.labels >= 0) & known[np.maximum(capture.labels, 0)])
    return Probabilities(np.concatenate(parts), np.concatenate(judged))


def deal(
    captures: Sequence[Capture], folds: int, seed: int, *, whole_groups: bool
) -> list[NDArray[np.int64]]:
    """The places of the captures in each fold; see ``from_trees``."""
    rng = np.random.default_rng(seed)
    groups = sorted({capture.group for capture in captures})
    count = min(folds, len(groups) if whole_groups else len(captures))
    if count < 2:
        raise InputError(
            f"{'one group of logs' if captures else 'no log'} to learn from: scores out of fold need two or more, so "
            "name further labelled logs, or a model with --model"
        )
    rng.shuffle(groups)
    fold, dealt = np.zeros(len(captures), dtype=np.int64), 0
    for number, group in enumerate(groups):
        members = rng.permutation([place for place, one in enumerate(captures) if one.group == group])
        fold[members] = number if whole_groups else dealt + np.arange(len(members))
        dealt += len(members)
    return [np.flatnonzero(fold % count == part) for part in range(count)]


def _features(capture: Capture) -> NDArray[np.float32]:
    parts = blocks(capture.frame, StreamState(StateLimits()))
    return np.concatenate([block.matrix for block in parts])


def _weights(of_row: NDArray[np.int64], labels: NDArray[np.int64]) -> Floats:
    """(N,) the weight of each connection in training."""
    key = of_row * (labels.max() + 2) + labels + 1
    _, inverse, sizes = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(sizes[inverse].astype(np.float64) ** (_POWER - 1))
