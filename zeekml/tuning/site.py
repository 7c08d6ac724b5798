"""A site's own logs: what is known of each connection, which part is trained on, and which is kept to measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.errors import InputError
from zeekml.evaluation.logs import LabelledLog
from zeekml.evaluation.truth import Truth
from zeekml.records.discover import shown
from zeekml.scoring.manifest import FeedbackPart, SiteLog
from zeekml.training.captures import IGNORED, Capture
from zeekml.training.corrections import Correction

#: The group of a site's captures.
GROUP = "site"


@dataclass(frozen=True, eq=False)
class SiteStream:
    """One log of the site with its rotated files.

    ``labels`` (N,) class indices, ``IGNORED`` for context; the rows from ``cut`` on are held out; ``infected`` are the
    hosts of which something malicious is known.
    """

    log: LabelledLog
    labels: NDArray[np.int64]
    cut: int
    infected: frozenset[str]

    @property
    def frame(self) -> pd.DataFrame:
        """All its connections (N rows of the batch schema)."""
        return self.log.capture.frame

    @property
    def benign_hosts(self) -> set[str]:
        """The originators of connections that count as benign."""
        return set(self.frame["id.orig_h"][self.labels == 0].astype(str)) - self.infected

    def without(self, hosts: Iterable[str]) -> SiteStream:
        """The same with all that these hosts originate as context."""
        theirs = self.frame["id.orig_h"].isin(list(hosts)).to_numpy()
        return replace(self, labels=np.where(theirs, IGNORED, self.labels))

    def captures(self) -> list[Capture]:
        """What is trained on, as captures: a clean network, and the infected hosts beside it."""
        rows = np.arange(len(self.labels)) < self.cut
        bots = rows & self.frame["id.orig_h"].isin(list(self.infected)).to_numpy()
        clean = rows & ~bots
        found = []
        if (self.labels[clean] >= 0).any():
            found.append(self._capture(clean, (), clean=True))
        if (self.labels[bots] >= 0).any():
            found.append(self._capture(bots, tuple(sorted(self.infected)), clean=False))
        return found

    def _capture(self, rows: NDArray[np.bool_], infected: tuple[str, ...], *, clean: bool) -> Capture:
        frame = self.frame[rows].reset_index(drop=True)
        return Capture(
            self.log.capture.name, GROUP, frame, self.labels[rows], infected, clean, measured=False
        )

    def entry(self) -> SiteLog:
        """The log as a bundle names it; the counts of labels are of what was trained on."""
        trained = self.labels[: self.cut]
        times = self.log.capture.event_time
        return SiteLog(
            name=shown(self.log.name),
            connections=len(self.labels),
            held_out=len(self.labels) - self.cut,
            benign=int((trained == 0).sum()),
            malicious=int((trained > 0).sum()),
            first=float(self.frame["ts"].min()),
            last=float(times.max()),
            sha256=tuple(sorted(self.log.files.values())),
        )


def site_stream(log: LabelledLog, share: float, *, clean: bool) -> SiteStream:
    """A log of the site, its last ``share`` of connections held out.

    With ``clean``, what a log without labels of its own does not say is benign, but for hosts of which a verdict calls
    something malicious: of their other connections nothing is known.
    """
    labels = log.capture.labels.copy()
    originators = log.capture.frame["id.orig_h"]
    infected = frozenset(originators[labels > 0].astype(str))
    if clean and not log.labelled:
        labels[(labels == IGNORED) & ~originators.isin(list(infected)).to_numpy()] = 0
    return SiteStream(log, labels, len(labels) - int(len(labels) * share), infected)


def check_something(streams: Sequence[SiteStream]) -> None:
    """InputError unless there is something benign to train on, of which a model is to keep still."""
    counts = [(stream.labels[: stream.cut] >= 0).sum() for stream in streams]
    if not sum(counts):
        raise InputError(
            "nothing to train on: no connection before the part that is held out has a label or a verdict; give "
            "labelled logs or verdicts (--feedback), or leave out --not-clean"
        )
    if not any((stream.labels[: stream.cut] == 0).any() for stream in streams):
        raise InputError(
            "nothing benign to train on: every connection that counts is malicious; add logs of ordinary traffic"
        )


def feedback_part(truth: Truth) -> FeedbackPart:
    """How many verdicts there were, how many met a connection, and what those say: the last on each connection."""
    last = last_words(truth)
    used = [rule for place, rule in last if place in truth.met]
    classes = truth.recipe.class_names
    benign = sum(rule.corrected == classes[0] for rule in used)
    malicious = sum(rule.corrected in classes[1:] for rule in used)
    return FeedbackPart(verdicts=len(last), used=len(used), benign=benign, malicious=malicious)


def last_words(truth: Truth) -> list[tuple[int, Correction]]:
    """The rules with their places, of several about the same connections only the last."""
    last = {
        (rule.file, tuple(sorted(rule.where.items())), rule.given): (place, rule)
        for place, rule in enumerate(truth.rules)
    }
    return list(last.values())
