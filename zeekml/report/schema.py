"""The columns that a report reads of the two logs, by Zeek's names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["notice.log", "zeekml.log"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Columns of one log. ``texts`` and ``numbers`` are read where they are there; ``needed`` must be."""

    kind: Kind
    needed: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the frame."""
        return ("ts", *self.texts, *self.numbers)


LISTS: Final = ("evidence_peers", "evidence_ports")
"""Columns that hold several texts: they are read as one, with a comma and a space between them."""

_ENDS = ("uid", "id.orig_h", "id.resp_h", "proto")

NOTICES: Final = Wanted(
    "notice.log",
    needed=("ts", "id.orig_h", "note"),
    texts=(*_ENDS, "note", "msg", "sub", *LISTS),
    numbers=("id.resp_p", "n"),
)
SCORED: Final = Wanted(
    "zeekml.log",
    needed=("ts", "id.orig_h", "score", "class"),
    texts=(*_ENDS, "service", "class", "reasons", "model", "sensor"),
    numbers=("id.resp_p", "score"),
)


def told_by(columns: Iterable[str]) -> Wanted | None:
    """Which of the two logs has these columns; None for any other log."""
    present = set(columns)
    for wanted in (NOTICES, SCORED):
        if present.issuperset(name for name in wanted.needed if name not in ("ts", "id.orig_h")):
            return wanted
    return None
