"""Likely label errors, put together as rules that a person can judge and put into a table of corrections.

Confident learning (Northcutt, Jiang, Chuang 2021, doi 10.1613/jair.1.12125, as cleanlab has it) says which labels
disagree with probabilities out of fold more than the noise of the classes explains. A rule is what such connections of
one log have in common: port, protocol, state and given class, and the responder where few responders make up most of
them. No two rules meet the same connection, so any choice of them keeps the counts of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.evaluation.outoffold import Probabilities
from zeekml.training.captures import Capture

#: What all connections of a rule share; the responder comes on top where it has one.
_SHARED = ["file", "id.resp_p", "proto", "conn_state", "given"]

#: Rules are made by responder where that many responders or fewer hold most of the connections.
_FEW = 10


@dataclass(frozen=True, slots=True)
class Suspect:
    """One rule: the connections of ``file`` that share the next six, labelled ``given`` and more like ``suggested``.

    ``resp_h`` is empty where the rule is for any responder. ``issues`` of the rule's ``connections`` are likely wrong;
    ``hosts`` originators have them. ``margin`` is by how much the suggested class is more probable than the given one
    in the mean over the issues, ``uid`` the issue of the largest margin.
    """

    file: str
    resp_h: str
    resp_p: int
    proto: str
    conn_state: str
    given: str
    suggested: str
    connections: int
    issues: int
    hosts: int
    margin: float
    uid: str

    @property
    def share(self) -> float:
        """The share of the rule's connections that are likely wrong."""
        return self.issues / self.connections

    @property
    def reason(self) -> str:
        """What speaks for the rule, in words."""
        return (
            f"audit: {self.issues} of {self.connections} look like {self.suggested} out of fold, "
            f"mean margin {self.margin:.2f}"
        )


@dataclass(frozen=True)
class Audit:
    """``suspects``: the strongest first. ``judged``: connections whose label could be judged; ``issues``: those likely
    wrong, ``shown`` of them in a suspect; ``unjudged``: labelled ones that could not be judged."""

    suspects: tuple[Suspect, ...]
    judged: int
    unjudged: int
    issues: int

    @property
    def shown(self) -> int:
        """Issues that are in a suspect."""
        return sum(suspect.issues for suspect in self.suspects)


def audit(
    captures: Sequence[Capture],
    names: Sequence[str],
    classes: Sequence[str],
    probabilities: Probabilities,
    *,
    least: int = 5,
    share: float = 0.5,
) -> Audit:
    """Find likely label errors of captures that rules call ``names``.

    A suspect has at least ``least`` issues, which are at least ``share`` of the connections that its rule meets.
    """
    labels = np.concatenate([capture.labels for capture in captures])
    judged = probabilities.judged
    wrong, suggested = _issues(labels[judged], probabilities.matrix[judged])
    issue = np.zeros(len(labels), dtype=bool)
    issue[judged] = wrong
    table = _table(captures, names, classes, labels)
    table["issue"] = issue
    table["suggested"], table["margin"] = "", 0.0
    table.loc[judged, "suggested"] = np.array(classes, dtype=object)[suggested]
    rows = np.flatnonzero(judged)
    given = probabilities.matrix[rows, labels[rows]]
    table.loc[judged, "margin"] = probabilities.matrix[rows, suggested] - given
    suspects = [
        suspect for suspect in _suspects(table, least) if suspect.issues >= least and suspect.share >= share
    ]
    suspects.sort(key=lambda suspect: (-suspect.margin * suspect.issues, suspect.file, suspect.resp_p))
    labelled = int((labels >= 0).sum())
    return Audit(tuple(suspects), int(judged.sum()), labelled - int(judged.sum()), int(issue.sum()))


def _issues(
    labels: NDArray[np.int64], matrix: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which labels (N,) are likely wrong given probabilities (N, K), and the most probable class (N,) of each."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - an extra

    present, index = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return np.zeros(len(labels), dtype=bool), labels
    shares = np.clip(matrix[:, present], 1e-9, None)
    shares /= shares.sum(axis=1, keepdims=True)
    said = present[shares.argmax(axis=1)]
    # One process: the work is small, and cleanlab's own pool would outlive an interrupt.
    wrong = find_label_issues(index, shares, filter_by="both", n_jobs=1)
    return np.asarray(wrong & (said != labels)), said


def _table(
    captures: Sequence[Capture], names: Sequence[str], classes: Sequence[str], labels: NDArray[np.int64]
) -> pd.DataFrame:
    columns = ["uid", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state"]
    frames = [capture.frame[columns].astype(object) for capture in captures]
    table = pd.concat(frames, ignore_index=True)
    table["conn_state"] = table["conn_state"].fillna("")
    table["file"] = np.repeat(np.array(names, dtype=object), [len(capture.labels) for capture in captures])
    table["given"] = np.append(np.array(classes, dtype=object), "")[labels]
    return table


def _suspects(table: pd.DataFrame, least: int) -> list[Suspect]:
    """A suspect for each rule with issues enough; by responder where few responders hold most of the issues."""
    rule = table.groupby(_SHARED, sort=False).ngroup().to_numpy()
    narrow = table.groupby([*_SHARED, "id.resp_h"], sort=False).ngroup().to_numpy()
    size, narrow_size = np.bincount(rule), np.bincount(narrow)
    # A table of corrections has no way to say that a state is unset.
    issues = table.assign(rule=rule, narrow=narrow)[table["issue"] & (table["conn_state"] != "")]
    found = []
    for number in np.unique(issues["rule"]):
        mine = issues[issues["rule"] == number]
        if len(mine) < least:
            continue
        counts = mine["narrow"].value_counts()
        largest = counts[counts >= least].head(_FEW).index
        by_responder = mine[mine["narrow"].isin(largest)]
        if 2 * len(by_responder) < len(mine):
            found.append(_suspect(mine, size[number], any_responder=True))
        else:
            for which in np.unique(by_responder["narrow"]):
                part = by_responder[by_responder["narrow"] == which]
                found.append(_suspect(part, narrow_size[which], any_responder=False))
    return found


def _suspect(issues: pd.DataFrame, connections: int, *, any_responder: bool) -> Suspect:
    """The suspect of the issues of one rule; its class is the one that most of them look like."""
    counts = issues["suggested"].value_counts()
    suggested = min(counts.index[counts == counts.max()])
    alike = issues[issues["suggested"] == suggested]
    first = alike.iloc[int(alike["margin"].to_numpy(dtype=np.float64).argmax())]
    return Suspect(
        file=first["file"],
        resp_h="" if any_responder else first["id.resp_h"],
        resp_p=int(first["id.resp_p"]),
        proto=first["proto"],
        conn_state=first["conn_state"],
        given=first["given"],
        suggested=suggested,
        connections=int(connections),
        issues=len(alike),
        hosts=int(alike["id.orig_h"].nunique()),
        margin=float(alike["margin"].mean()),
        uid=first["uid"],
    )
