"""Made hosts for training: behaviours that the captures lack, never counted in a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from zeekml.training.made import benign, hostile
from zeekml.training.made.host import MadeHost
from zeekml.training.overlays import HostLog

__all__ = ["BEHAVIOURS", "chosen", "made_log"]

#: Every behaviour by its name in recipes.
BEHAVIOURS: dict[str, Callable[[MadeHost], None]] = {
    **{
        f"benign/{f.__name__}": f
        for f in (
            benign.poller, benign.orphan, benign.telemetry, benign.monitor, benign.offline, benign.clocks,
            benign.lookups, benign.browsing, benign.mail, benign.sharing, benign.calls, benign.office,
            benign.announcements, benign.transfers,
        )
    },
    **{
        f"hostile/{f.__name__}": f
        for f in (
            hostile.scan, hostile.beacon, hostile.abandoned, hostile.tunnel, hostile.spam, hostile.peers, hostile.flood,
        )
    },
}  # fmt: skip


def chosen(patterns: Sequence[str]) -> list[str]:
    """The names of the behaviours that a recipe's patterns let through, in the order of the registry."""
    return [name for name in BEHAVIOURS if any(fnmatchcase(name, pattern) for pattern in patterns)]


def made_log(name: str, classes: dict[str, int], rng: np.random.Generator) -> HostLog:
    """A host of the behaviour ``name``, drawn anew; ``classes`` gives the index of each class."""
    host = MadeHost(rng)
    BEHAVIOURS[name](host)
    frame, words = host.frame()
    labels: NDArray[np.int64] = np.array([classes[word] for word in words], dtype=np.int64)
    return HostLog(name, str(frame["id.orig_h"].iloc[0]), frame, labels, np.ones(len(labels), dtype=bool))
