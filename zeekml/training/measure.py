"""Figures of detection over held-out rows, as the design defines them (see docs/training.md).

Positives are the infected hosts' malicious connections in the overlays. Negatives are the clean networks'
connections as they are, each once, and the infected hosts' own benign ones in the overlays; context rows, and the
host beneath an overlay, are not counted. All of it is pooled over the folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.alerts.evidence import HostEvidence, weigh
from zeekml.training.recipe import VerdictPart

Floats = NDArray[np.float64]

#: Malicious connections from which on a capture counts in a mean over captures.
FEWEST = 20

#: The false-positive rates at which recall is stated.
FPRS = (1e-2, 1e-3)


def counted(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """(N,) the rows that are positives or negatives."""
    mask: NDArray[np.bool_] = ((rows["label"] >= 0) & ((rows["kind"] == "clean") | rows["of_bot"])).to_numpy()
    return mask


def threshold_for(negatives: Floats, fpr: float) -> float:
    """The least score that at most a share ``fpr`` of the negatives reach or pass."""
    allowed = int(np.floor(len(negatives) * fpr))
    falling = np.sort(negatives)[::-1]
    if allowed >= len(falling):
        return 0.0
    return float(np.nextafter(falling[allowed], np.inf))


def connection_threshold(rows: pd.DataFrame, score: Floats, part: VerdictPart) -> float:
    """The least score that at most ``connection_fpr`` of the negatives reach, and ``network_fpr`` of any clean network.

    A rate over all networks may hide one that drowns in alarms.
    """
    benign = counted(rows) & (rows["label"] == 0).to_numpy()
    clean = benign & (rows["kind"] == "clean").to_numpy()
    networks = pd.Series(score[clean]).groupby(rows["capture"].to_numpy()[clean])
    each = [threshold_for(np.asarray(mine), part.network_fpr) for _, mine in networks]
    return max([threshold_for(score[benign], part.connection_fpr), *each])


def average_precision(bad: NDArray[np.bool_], score: Floats) -> float:
    """Average precision of scores (N,) for what is malicious (N,)."""
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - an extra

    return float(average_precision_score(bad, score))


def connection_figures(
    rows: pd.DataFrame, score: Floats, threshold: float, fprs: Sequence[float] = FPRS
) -> dict[str, Any]:
    """Figures over all counted connections and per capture; what cannot be worked out is None."""
    keep = counted(rows)
    rows, score = rows[keep], score[keep]
    bad = (rows["label"] > 0).to_numpy()
    found: dict[str, Any] = {
        "connections": len(rows),
        "malicious": int(bad.sum()),
        "average_precision": average_precision(bad, score) if bad.any() else None,
        **_at(bad, score, threshold),
    }
    captures = rows["capture"].to_numpy()
    many = [name for name in np.unique(captures[bad]) if bad[captures == name].sum() >= FEWEST]
    benign = score[~bad]
    cuts = {fpr: threshold_for(benign, fpr) if len(benign) else None for fpr in fprs}
    for fpr, cut in cuts.items():
        each = [_recall(score[bad & (captures == name)], cut) for name in many]
        shares = [share for share in each if share is not None]
        found[f"recall_at_fpr_{fpr:g}"] = _recall(score[bad], cut)
        found[f"mean_recall_at_fpr_{fpr:g}"] = float(np.mean(shares)) if shares else None
    found["captures"] = {
        name: _capture(rows, score, bad, captures == name, threshold, cuts) for name in np.unique(captures)
    }
    return found


def validation_figures(rows: pd.DataFrame, score: Floats, said: NDArray[np.int64]) -> dict[str, float]:
    """What early stopping goes by: average precision of each capture against all negatives, averaged; and F1.

    ``rows`` are counted ones, ``said`` (N,) the most probable classes. A mean over captures is not decided by the
    one with the most connections.
    """
    from sklearn.metrics import f1_score  # noqa: PLC0415 - an extra

    bad = (rows["label"] > 0).to_numpy()
    captures = rows["capture"].to_numpy()
    each = [
        average_precision(bad[mine], score[mine])
        for mine in (~bad | (captures == name) for name in np.unique(captures[bad]))
    ]
    return {"average_precision": float(np.mean(each)), "f1": float(f1_score(bad, said > 0))}


def _recall(score: Floats, cut: float | None) -> float | None:
    """The share of scores that reach a threshold; None where there are none, or no threshold."""
    return float((score >= cut).mean()) if len(score) and cut is not None else None


def _capture(
    rows: pd.DataFrame,
    score: Floats,
    bad: NDArray[np.bool_],
    mine: NDArray[np.bool_],
    threshold: float,
    cuts: Mapping[float, float | None],
) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "group": rows["group"].to_numpy()[mine][0],
        "connections": int(mine.sum()),
        "malicious": int(bad[mine].sum()),
        **_at(bad[mine], score[mine], threshold),
    }
    if bad[mine].any():
        for fpr, cut in cuts.items():
            figures[f"recall_at_fpr_{fpr:g}"] = _recall(score[mine & bad], cut)
        # Against the negatives of all captures: most infected ones have next to none of their own.
        among = mine & bad | ~bad
        figures["average_precision"] = average_precision(bad[among], score[among])
    return figures


def _at(bad: NDArray[np.bool_], score: Floats, threshold: float) -> dict[str, float | None]:
    """Precision, recall, F1 and false-positive rate at a threshold; None where there is nothing to divide by."""
    hit = score >= threshold
    right, wrong = int((hit & bad).sum()), int((hit & ~bad).sum())
    precision = right / (right + wrong) if right + wrong else None
    recall = right / int(bad.sum()) if bad.any() else None
    f1 = 2 * right / (right + wrong + int(bad.sum())) if bad.any() else None
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "fpr": wrong / int((~bad).sum()) if (~bad).any() else None,
    }


def host_peaks(
    rows: pd.DataFrame, score: Floats, class_index: NDArray[np.int64], floor: float, part: VerdictPart
) -> pd.DataFrame:
    """The most evidence that each host gathers: columns kind, capture, host, local, labelled, connections, peak.

    Where ``rows`` tell seeds apart, a host is one host a seed: each time other models speak of it.
    ``labelled`` tells infected hosts of whose connections something is known from those of sandbox runs.
    ``connections`` are all of them, but of clean networks only counted ones are evidence: where a label says that
    nothing is known of a connection, it speaks for nothing.
    """
    keys = rows["kind"] + "\n" + rows["capture"].astype(str) + "\n" + rows["host"].astype(str)
    if "seed" in rows:
        keys += "\n" + rows["seed"].astype(str)
    codes, names = pd.factorize(keys, sort=True)
    weight = weigh(score, floor)
    weight[((rows["kind"] == "clean") & (rows["label"] < 0)).to_numpy()] = 0
    some = np.flatnonzero(weight > 0)
    evidence = HostEvidence(int(class_index.max()) + 1, part.half_life, forget_after=10 * part.half_life)
    slots = evidence.slots(list(names))
    update = evidence.update(
        slots[codes[some]], class_index[some], rows["event_time"].to_numpy()[some], weight[some], some
    )
    peak = np.zeros(len(names))
    np.maximum.at(peak, codes[some][update.order], update.evidence)
    parts = [str(name).split("\n") for name in names]
    return pd.DataFrame(
        {
            "kind": [part[0] for part in parts],
            "capture": [part[1] for part in parts],
            "host": [part[2] for part in parts],
            "local": rows["local"].groupby(codes).any().to_numpy(),
            "labelled": np.bincount(codes, (rows["of_bot"] & (rows["label"] >= 0)).to_numpy()) > 0,
            "connections": np.bincount(codes),
            "peak": peak,
        }
    )


def _rivals(peaks: pd.DataFrame, part: VerdictPart) -> pd.DataFrame:
    """The clean hosts that count: local ones with enough connections."""
    busy = peaks["connections"] >= part.host_min_connections
    return peaks[(peaks["kind"] == "clean") & peaks["local"] & busy]


def host_figures(peaks: pd.DataFrame, threshold: float, part: VerdictPart) -> dict[str, Any]:
    """How many infected hosts are named at the threshold, and which clean ones."""
    clean = _rivals(peaks, part)
    bots = peaks[peaks["kind"] == "bot"]
    named = bots[bots["peak"] >= threshold]
    false = clean[clean["peak"] >= threshold]
    return {
        "infected": len(bots),
        "infected_named": len(named),
        "labelled": int(bots["labelled"].sum()),
        "labelled_named": int(named["labelled"].sum()),
        "clean": len(clean),
        "clean_named": len(false),
        "clean_named_hosts": _names(false),
        "infected_missed": _names(bots[bots["peak"] < threshold]),
    }


def _names(peaks: pd.DataFrame) -> list[str]:
    """Capture and address of each host, once; with how many seeds it was so where that is more than one."""
    found = (peaks["capture"] + " " + peaks["host"]).value_counts()
    return sorted(f"{name} ({count} times)" if count > 1 else str(name) for name, count in found.items())


def host_threshold_to_ship(peaks: pd.DataFrame, part: VerdictPart) -> float:
    """The middle (geometric mean) of all evidence that names as many clean hosts as ``host_threshold`` does.

    Just above one clean host's evidence a threshold is at the mercy of the last digit: a host like it, or an infected
    one seen by another sensor, would come down on either side.
    """
    least = host_threshold(peaks, part)
    above = _rivals(peaks, part)["peak"].to_numpy()
    above = above[above >= least]
    return float(np.sqrt(least * above.min())) if len(above) else least


def host_threshold(peaks: pd.DataFrame, part: VerdictPart) -> float:
    """The evidence that at most a share ``host_fpr`` of the clean hosts reach."""
    clean = _rivals(peaks, part)
    return max(threshold_for(clean["peak"].to_numpy(), part.host_fpr), 1e-3)
