"""Made hosts for training: behaviours that the captures lack, never counted in a result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from zeekml.errors import RecipeError
from zeekml.training.made import benign, hostile
from zeekml.training.made.host import MadeHost
from zeekml.training.overlays import HostLog

__all__ = ["BEHAVIOURS", "Behaviour", "chosen", "made_log"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a made host does, and the class of it that is not Benign (None: all of it is Benign)."""

    act: Callable[[MadeHost], None]
    hostile: str | None = None


#: Every behaviour by its name in recipes.
BEHAVIOURS: Mapping[str, Behaviour] = {
    "benign/poller": Behaviour(benign.poller),
    "benign/orphan": Behaviour(benign.orphan),
    "benign/telemetry": Behaviour(benign.telemetry),
    "benign/monitor": Behaviour(benign.monitor),
    "benign/offline": Behaviour(benign.offline),
    "benign/clocks": Behaviour(benign.clocks),
    "benign/lookups": Behaviour(benign.lookups),
    "benign/browsing": Behaviour(benign.browsing),
    "benign/mail": Behaviour(benign.mail),
    "benign/sharing": Behaviour(benign.sharing),
    "benign/calls": Behaviour(benign.calls),
    "benign/office": Behaviour(benign.office),
    "benign/announcements": Behaviour(benign.announcements),
    "benign/transfers": Behaviour(benign.transfers),
    "benign/scanner": Behaviour(benign.scanner),
    "benign/vpn": Behaviour(benign.vpn),
    "hostile/scan": Behaviour(hostile.scan, "PortScan"),
    "hostile/beacon": Behaviour(hostile.beacon, "C&C"),
    "hostile/abandoned": Behaviour(hostile.abandoned, "C&C"),
    "hostile/tunnel": Behaviour(hostile.tunnel, "Tunnel"),
    "hostile/spam": Behaviour(hostile.spam, "Spam"),
    "hostile/peers": Behaviour(hostile.peers, "C&C"),
    "hostile/flood": Behaviour(hostile.flood, "DDoS"),
}


def chosen(patterns: Sequence[str], classes: Collection[str], without: Sequence[str] = ()) -> list[str]:
    """The names of the behaviours that the patterns let through, but for those ``without``, in the registry's order.

    One that the patterns name in full is never left out. RecipeError for a pattern that names none, and for a behaviour
    whose class is not among ``classes``.
    """
    for pattern in (*patterns, *without):
        if not any(_fits(name, [pattern]) for name in BEHAVIOURS):
            raise RecipeError(
                f"made.behaviours, made.without: {pattern!r} names no behaviour, expected some of "
                + ", ".join(BEHAVIOURS)
            )
    names = [
        name
        for name in BEHAVIOURS
        if name in patterns or (_fits(name, patterns) and not _fits(name, without))
    ]
    for name in names:
        word = BEHAVIOURS[name].hostile
        if word is not None and word not in classes:
            raise RecipeError(
                f"made.behaviours: {name} makes connections of the class {word}, which classes does not name; "
                "add a pattern for it or leave the behaviour out"
            )
    return names


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def made_log(name: str, classes: Mapping[str, int], rng: np.random.Generator) -> HostLog:
    """A host of the behaviour ``name``, drawn anew; ``classes`` gives the index of each class."""
    host = MadeHost(rng)
    BEHAVIOURS[name].act(host)
    frame, words = host.frame()
    labels: NDArray[np.int64] = np.array([classes[word] for word in words], dtype=np.int64)
    return HostLog(name, str(frame["id.orig_h"].iloc[0]), frame, labels, np.ones(len(labels), dtype=bool))
