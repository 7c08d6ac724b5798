"""The order of a log's files, oldest first: by date or number in their names, else by where they begin."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias, TypeVar

from zeekml.records.rotation import Rotation

File = TypeVar("File")
Began: TypeAlias = tuple[str, float, str]
"""What ``#open`` says, else the first ``ts``, and a name; compared where names do not tell which file is older."""
UNTOLD = "~"  # in place of ``#open``, of a file that cannot be read: sorts last


def by_age(
    files: Iterable[File], turned: Callable[[File], Rotation], began: Callable[[File], Began]
) -> list[list[File]]:
    """Rotated files in groups of one age each, oldest first; in a group as they came.

    Dates order, or numbers; logrotate's count up as files grow older. Where a log has files of several kinds, with a
    date, with a number alone, with neither (a site that changed its ways), dates and numbers keep their own order and
    ``began`` says how the kinds lie to each other; it is asked in no other case.
    """
    dated: dict[tuple[datetime, int], list[File]] = {}
    numbered: dict[int, list[File]] = {}
    neither: list[File] = []
    for file in files:
        found = turned(file)
        if found.moment is not None:
            dated.setdefault((found.moment, -found.number), []).append(file)
        elif found.number:
            numbered.setdefault(-found.number, []).append(file)
        else:
            neither.append(file)
    if len(neither) > 1:
        neither.sort(key=began)
    kinds = [[dated[age] for age in sorted(dated)], [numbered[age] for age in sorted(numbered)]]
    kinds = [kind for kind in [*kinds, [[file] for file in neither]] if kind]
    if len(kinds) > 1:
        return list(heapq.merge(*kinds, key=lambda group: _place(group, began)))
    return kinds[0] if kinds else []


def _place(group: list[File], began: Callable[[File], Began]) -> Began:
    """Where a group lies; one that does not tell goes first and keeps none of those after it back."""
    told = [each for each in map(began, group) if each[0] != UNTOLD]
    return min(told, default=("", 0.0, ""))
