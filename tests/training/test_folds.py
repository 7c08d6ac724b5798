"""Folds: whole groups, each measured once, infected and clean ones dealt by themselves."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.builders import row
from tests.training.data import capture
from zeekml.training.captures import Capture
from zeekml.training.folds import deal


def captures(infected: int = 7, clean: int = 5, each: int = 2) -> list[Capture]:
    """Groups of several captures, and one that is not measured."""
    found = [
        capture(f"bot-{group}-{i}", [row()], infected=("192.168.1.10",), group=f"bot-{group}")
        for group in range(infected)
        for i in range(each)
    ]
    found += [
        capture(f"clean-{group}-{i}", [row()], clean=True, group=f"clean-{group}")
        for group in range(clean)
        for i in range(each)
    ]
    found.append(capture("both", [row()], infected=("192.168.1.10",), clean=True, group="both"))
    found.append(capture("more", [row()], infected=("192.168.1.10",), group="training-only", measured=False))
    found.append(capture("neither", [row()], group="neither"))
    return found


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_every_measured_capture_is_in_one_fold_of_its_kind(folds: int) -> None:
    given = captures()
    dealt = deal(given, folds, seed=1)
    assert len(dealt) == folds
    infected = Counter(c.name for fold in dealt for c in fold.infected)
    clean = Counter(c.name for fold in dealt for c in fold.clean)
    assert infected == Counter(c.name for c in given if c.infected and c.measured)
    assert clean == Counter(c.name for c in given if c.clean)


def test_groups_stay_whole() -> None:
    for kind in ("infected", "clean"):
        folds_of_group: dict[str, set[int]] = {}
        for number, fold in enumerate(deal(captures(), 3, seed=1)):
            for one in getattr(fold, kind):
                folds_of_group.setdefault(one.group, set()).add(number)
        assert all(len(folds) == 1 for folds in folds_of_group.values())


def test_folds_hold_as_many_groups_each() -> None:
    for fold in deal(captures(infected=9, clean=9), 5, seed=4):
        assert len({c.group for c in fold.infected}) == len({c.group for c in fold.clean}) == 2


def test_the_groups_of_a_fold_are_of_both_kinds() -> None:
    fold = deal(captures(), 3, seed=1)[0]
    assert fold.groups == {c.group for c in fold.infected} | {c.group for c in fold.clean}


def test_the_seed_deals() -> None:
    def names(seed: int, given: list[Capture]) -> list[list[str]]:
        return [[c.name for c in (*fold.infected, *fold.clean)] for fold in deal(given, 3, seed)]

    given = captures()
    assert names(1, given) == names(1, given)
    assert len({str(names(seed, given)) for seed in range(6)}) > 1
    # The order of the table does not matter, only the seed.
    assert [sorted(fold) for fold in names(1, given[::-1])] == [sorted(fold) for fold in names(1, given)]
