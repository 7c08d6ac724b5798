"""What is judged: streams of connections with all that is known of each row, logs as they are or as overlays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.addresses import Networks
from zeekml.alerts import AlertPolicy
from zeekml.alerts.policy import DECIDING
from zeekml.errors import InputError
from zeekml.evaluation.hosts import Rows
from zeekml.evaluation.logs import LabelledLog
from zeekml.evaluation.truth import ALL_LOCAL, Truth
from zeekml.training.captures import Capture, local_hosts
from zeekml.training.folds import Fold
from zeekml.training.heldout import lay_out


@dataclass(frozen=True, eq=False)
class Part:
    """One stream: ``frame`` (N rows of the batch schema) and ``rows`` (N) as ``HeldOut.rows`` describes them.

    ``name`` is the capture's, ``stream`` what a run calls it; ``known`` says which hosts are infected or clean;
    ``names`` maps hosts of ``frame`` to the capture and host that they stand for, where these are others.
    """

    name: str
    stream: str
    frame: pd.DataFrame
    rows: pd.DataFrame
    known: Mapping[str, bool]
    names: Mapping[str, tuple[str, str]]

    @property
    def as_rows(self) -> Rows:
        """What host verdicts are held against."""
        return Rows(
            self.frame, self.rows["label"].to_numpy(dtype=np.int64), self.rows["of_bot"].to_numpy(dtype=bool)
        )


def as_they_are(logs: Iterable[LabelledLog], truth: Truth, policy: AlertPolicy) -> Iterator[Part]:
    """Each log as a part; ``policy`` says whose connections are watched."""
    for log in logs:
        capture = log.capture
        watched = policy.counts(capture.frame.loc[:, list(DECIDING)], log.stream)
        known = truth.infected(log.name, capture.frame["id.orig_h"], capture.labels, watched)
        yield Part(capture.name, log.stream, capture.frame, _rows(capture, watched, "log"), known, {})


def overlays(logs: Sequence[LabelledLog], truth: Truth, seed: int) -> Iterator[Part]:
    """Clean logs as they are, and the infected hosts of each other log laid into one of them, drawn by the seed.

    A log is clean where the table of hosts says so of all its local hosts, or else where it holds benign connections
    and no malicious one. Raises InputError without both kinds, RecipeError where a log finds no network to lie in.
    """
    captures = [_known(log, truth) for log in logs]
    fold = Fold(
        tuple(capture for capture in captures if capture.infected),
        tuple(capture for capture in captures if capture.clean),
    )
    for kind, some in (("infected hosts", fold.infected), ("clean hosts only", fold.clean)):
        if not some:
            raise InputError(
                f"overlays need logs with {kind}, found none; name such logs, or say so with --hosts"
            )
    streams = {log.capture.name: log.stream for log in logs}
    frames, rows = lay_out(fold, truth.recipe, seed)
    nets = Networks.parse(truth.recipe.data.local_nets, "data.local_nets")
    for capture, frame, described in zip(fold.clean, frames, rows, strict=False):
        hosts = local_hosts(capture, nets)
        # Rows of a clean network are all the host's own.
        yield Part(
            capture.name,
            streams[capture.name],
            frame,
            described.assign(of_bot=True),
            dict.fromkeys(hosts, False),
            {},
        )
    frame, described = frames[-1], rows[-1]
    first = ~frame["id.orig_h"].duplicated().to_numpy()
    names = {
        str(laid): (str(capture), str(host))
        for laid, capture, host in zip(
            frame["id.orig_h"][first], described["capture"][first], described["host"][first], strict=True
        )
    }
    yield Part("overlays", "overlays", frame, described, dict.fromkeys(names, True), names)


def _known(log: LabelledLog, truth: Truth) -> Capture:
    capture = log.capture
    nets = Networks.parse(truth.recipe.data.local_nets, "data.local_nets")
    local = capture.frame["id.orig_h"].isin(list(local_hosts(capture, nets))).to_numpy()
    known = truth.infected(log.name, capture.frame["id.orig_h"], capture.labels, local)
    infected = tuple(sorted(host for host, bad in known.items() if bad))
    table = (truth.hosts or {}).get(log.name)
    if table is None:
        clean = bool((capture.labels == 0).any() and not (capture.labels > 0).any())
    else:
        clean = table.get(ALL_LOCAL) is False
    return replace(capture, infected=infected, clean=clean and not infected)


def _rows(capture: Capture, local: NDArray[np.bool_], kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "capture": capture.name,
            "group": capture.group,
            "host": capture.frame["id.orig_h"].astype("str"),
            "local": local,
            "kind": kind,
            "label": capture.labels,
            "of_bot": True,
            "event_time": capture.event_time,
        }
    )
