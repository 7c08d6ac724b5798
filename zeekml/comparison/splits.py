"""The protocols: which rows are trained on, which choose the epoch, which are tested.

One split serves every network, task and seed: figures of two networks differ by the networks, and the spread over
seeds is that of training. What was tuned was tuned without its test rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from zeekml.comparison.distinct import Distinct, label_counts
from zeekml.comparison.tables import Table
from zeekml.errors import FormatError

Protocol = Literal["random", "distinct", "scenario"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("random", "distinct", "scenario")

#: Share of the rows that ``random`` tests.
RANDOM_TEST: Final = 0.2
#: Share of each class's vectors that ``distinct`` tests: rare classes have a few dozen, and fewer would tell nothing.
DISTINCT_TEST: Final = 0.4
#: Share of the rows not tested that choose the epoch; of those, when settings are tuned.
VALIDATION: Final = 0.15
TUNING_VALIDATION: Final = 1 / 3
#: Parts that ``scenario`` deals the scenarios to; each is tested once, by what was trained on the others.
FOLDS: Final = 2
#: The seed of every split.
SPLIT_SEED: Final = 23

Counts = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """One training and its test: how often each distinct vector carries each class (V, K) among the rows of each."""

    train: Counts
    validation: Counts
    test: Counts


def protocols_of(table: Table) -> tuple[Protocol, ...]:
    """The protocols that the table allows."""
    return tuple(p for p in PROTOCOLS if p != "scenario" or table.scenario is not None)


def split(table: Table, distinct: Distinct, protocol: Protocol) -> list[Part]:
    """The parts of a protocol; what is tested is counted over all of them together.

    - ``random``: rows at random, so that equal rows lie on both sides;
    - ``distinct``: each distinct vector once, with its most frequent label, the classes divided alike;
    - ``scenario``: whole scenarios dealt to folds. Raises FormatError for a table without scenarios.
    """
    rng = np.random.default_rng(SPLIT_SEED)
    if protocol == "random":
        return [_random_part(table, distinct, rng)]
    if protocol == "distinct":
        return [_distinct_part(distinct, VALIDATION, rng)]
    if table.scenario is None:
        raise FormatError(f"{table.title}: does not say which scenario a row is from; take another protocol")
    return list(_scenario_parts(table, distinct, rng))


def tuning_part(distinct: Distinct) -> Part:
    """What settings are tuned on: the rows that ``distinct`` does not test, divided anew; it has no test rows."""
    part = _distinct_part(distinct, TUNING_VALIDATION, np.random.default_rng(SPLIT_SEED))
    return Part(part.train, part.validation, np.zeros_like(part.test))


def _random_part(table: Table, distinct: Distinct, rng: np.random.Generator) -> Part:
    draw = rng.random(len(table))
    validation = RANDOM_TEST + (1 - RANDOM_TEST) * VALIDATION
    of_rows = {
        "test": draw < RANDOM_TEST,
        "validation": (draw >= RANDOM_TEST) & (draw < validation),
        "train": draw >= validation,
    }
    return Part(**{name: _counts(table, distinct, rows) for name, rows in of_rows.items()})


def _distinct_part(distinct: Distinct, validation: float, rng: np.random.Generator) -> Part:
    once = np.eye(distinct.counts.shape[1])[distinct.labels]
    test = _stratified(distinct.labels, DISTINCT_TEST, rng)
    others = np.flatnonzero(~test)
    watched = np.zeros(len(distinct), dtype=bool)
    watched[others] = _stratified(distinct.labels[others], validation, rng)
    train = ~test & ~watched
    return Part(once * train[:, None], once * watched[:, None], once * test[:, None])


def _scenario_parts(table: Table, distinct: Distinct, rng: np.random.Generator) -> Iterator[Part]:
    fold = scenario_folds(table)
    for tested in range(FOLDS):
        watched = rng.random(len(distinct))[distinct.of_row] < VALIDATION
        yield Part(
            _counts(table, distinct, (fold != tested) & ~watched),
            _counts(table, distinct, (fold != tested) & watched),
            _counts(table, distinct, fold == tested),
        )


def scenario_folds(table: Table) -> NDArray[np.int64]:
    """(N,) the fold of each row: scenarios dealt in turn, those that hold the class of the fewest scenarios first.

    So a class that two scenarios hold is in both folds.
    """
    assert table.scenario is not None  # noqa: S101 - for the type checker
    names, of_row = np.unique(table.scenario, return_inverse=True)
    counts = label_counts(of_row.astype(np.int64), table.labels, len(names), len(table.classes))
    scarce = np.argsort((counts > 0).sum(axis=0), kind="stable")
    fold = np.full(len(names), -1)
    for label in scarce:
        holding = sorted(np.flatnonzero((counts[:, label] > 0) & (fold < 0)), key=lambda s: -counts[s, label])
        held = [counts[fold == f, label].sum() for f in range(FOLDS)]
        for turn, scenario in enumerate(holding):
            fold[scenario] = (int(np.argmin(held)) + turn) % FOLDS
    return np.asarray(fold[of_row], dtype=np.int64)


def _stratified(labels: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(V,) True for a share of each class, at least one vector where there are two."""
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mine = rng.permutation(np.flatnonzero(labels == label))
        chosen[mine[: max(round(share * len(mine)), int(len(mine) > 1))]] = True
    return chosen


def _counts(table: Table, distinct: Distinct, rows: NDArray[np.bool_]) -> Counts:
    return label_counts(distinct.of_row[rows], table.labels[rows], len(distinct), len(table.classes))
