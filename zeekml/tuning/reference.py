"""What a fine-tuned model is held against: rows that its parent was made for, and what both say of them.

The old captures as training measures them, where they are at hand; else made hosts. The parent has seen the captures
in training, and made hosts like these: the figures tell what was lost between two models, not how good either is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.features import Block, StateLimits, StreamState, blocks
from zeekml.scoring import Bundle
from zeekml.scoring.calibration import HIGHEST, Calibration, class_shares, log_odds
from zeekml.scoring.manifest import Evidence, Thresholds
from zeekml.scoring.runners import runners_of
from zeekml.training.captures import Capture
from zeekml.training.folds import Fold
from zeekml.training.heldout import lay_out
from zeekml.training.made import BEHAVIOURS, made_log
from zeekml.training.measure import connection_figures, counted, host_figures, host_peaks
from zeekml.training.overlays import stacked
from zeekml.training.recipe import Recipe, VerdictPart
from zeekml.tuning.calibrate import aligned

Floats = NDArray[np.float64]

#: Made hosts of each behaviour that figures are taken of.
_DRAWS = 6


@dataclass(frozen=True, eq=False)
class Said:
    """What a model says of N rows: its log odds (N,) of not Benign, and the class (N,) that it names."""

    odds: Floats
    class_index: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reference:
    """Rows (N) as ``HeldOut.rows`` describes them, and the streams whose features they are; ``of``: of what."""

    of: str
    rows: pd.DataFrame
    streams: tuple[list[Block], ...]

    def said_by(self, bundle: Bundle) -> Said:
        """What a bundle, trees included, says of every row."""
        odds, classes = [], []
        start = runners_of(bundle)
        for stream in self.streams:
            runner = start()
            for block in stream:
                logits = runner.logits(block)
                odds.append(bundle.with_trees(log_odds(logits), block.matrix))
                classes.append(class_shares(logits)[0])
        return Said(np.concatenate(odds), np.concatenate(classes))


def captures_reference(captures: Sequence[Capture], recipe: Recipe, seed: int) -> Reference:
    """The clean captures as they are, and every infected one laid into one of them, as training measures."""
    measured = [capture for capture in captures if capture.measured]
    fold = Fold(tuple(c for c in measured if c.infected), tuple(c for c in measured if c.clean))
    frames, rows = lay_out(fold, recipe, seed)
    return _reference("old captures", frames, rows)


def made_reference(recipe: Recipe, seed: int) -> Reference:
    """Made hosts of every behaviour whose class the recipe names, each by itself."""
    classes = {name: index for index, name in enumerate(recipe.class_names)}
    names = [name for name, behaviour in BEHAVIOURS.items() if behaviour.hostile in (None, *classes)]
    rng = np.random.default_rng([seed, 1])  # other hosts than those of any epoch
    logs = [made_log(name, classes, rng) for name in names for _ in range(_DRAWS)]
    frame, of_row = stacked(logs)
    kinds = np.array(["clean" if BEHAVIOURS[log.capture].hostile is None else "bot" for log in logs])
    rows = pd.DataFrame(
        {
            "capture": np.array([log.capture for log in logs], dtype=object)[of_row],
            "group": "made",
            "host": frame["id.orig_h"].astype("str"),
            "local": True,
            "kind": kinds[of_row],
            "label": np.concatenate([log.labels for log in logs]),
            "of_bot": kinds[of_row] == "bot",
            "event_time": (frame["ts"] + frame["duration"].fillna(0)).to_numpy(),
        }
    )
    return _reference("made hosts", [frame], [rows])


def _reference(of: str, frames: Sequence[pd.DataFrame], rows: Sequence[pd.DataFrame]) -> Reference:
    streams = tuple(blocks(frame, StreamState(StateLimits())) for frame in frames)
    return Reference(of, pd.concat(rows, ignore_index=True), streams)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What turns log odds into verdicts: calibration, thresholds, evidence."""

    calibration: Calibration
    thresholds: Thresholds
    evidence: Evidence

    @classmethod
    def of(cls, bundle: Bundle) -> Verdicts:
        """A bundle's own."""
        return cls(bundle.calibration, bundle.thresholds, bundle.evidence)


def settled(reference: Reference, parent: Verdicts, before: Said, after: Said, recipe: Recipe) -> Verdicts:
    """The verdicts of a changed model, so that they are as frequent on the reference as its parent's.

    The calibration's points move with the rows. A threshold stays where it is, and is raised where more benign
    connections (or clean hosts) of the reference would reach it than reached the parent's.
    """
    rows = reference.rows
    keep, bad = counted(rows), (rows["label"] > 0).to_numpy()
    calibration = aligned(parent.calibration, before.odds[keep], after.odds[keep], bad[keep])
    old, new = parent.calibration.score(before.odds), calibration.score(after.odds)
    benign = keep & ~bad
    connection = _no_more(old[benign], new[benign], parent.thresholds.connection, HIGHEST)
    floor = _no_more(old[benign], new[benign], parent.evidence.floor, connection)
    part = _part(recipe, parent.evidence)
    peaks = [
        _clean_peaks(host_peaks(rows, score, said.class_index, at, part), part)
        for score, said, at in ((old, before, parent.evidence.floor), (new, after, floor))
    ]
    host = _no_more(peaks[0], peaks[1], parent.thresholds.host, np.inf)
    return Verdicts(
        calibration,
        parent.thresholds.model_copy(update={"connection": connection, "host": host}),
        parent.evidence.model_copy(update={"floor": floor}),
    )


def _no_more(old: Floats, new: Floats, threshold: float, most: float) -> float:
    """The threshold, raised (to ``most`` at the highest) until no more of ``new`` reach it than ``old`` did."""
    allowed = int((old >= threshold).sum())
    falling = np.sort(new)[::-1]
    if allowed >= len(falling):
        return threshold
    return float(min(max(threshold, np.nextafter(falling[allowed], np.inf)), max(most, threshold)))


def _part(recipe: Recipe, evidence: Evidence) -> VerdictPart:
    return recipe.verdicts.model_copy(update={"half_life": evidence.half_life})


def _clean_peaks(peaks: pd.DataFrame, part: VerdictPart) -> Floats:
    clean = (peaks["kind"] == "clean") & peaks["local"] & (peaks["connections"] >= part.host_min_connections)
    return np.asarray(peaks["peak"][clean], dtype=np.float64)


#: The figures of a reference that must not fall, in the order in which they are shown, and their words.
FIGURES = {
    "average_precision": "average precision",
    "recall_at_fpr_0.01": "recall at a false-positive rate of 1e-2, pooled",
    "mean_recall_at_fpr_0.01": "recall at a false-positive rate of 1e-2, mean of captures",
    "recall_at_fpr_0.001": "recall at a false-positive rate of 1e-3, pooled",
    "mean_recall_at_fpr_0.001": "recall at a false-positive rate of 1e-3, mean of captures",
    "infected_named_share": "infected hosts named, share",
}


def figures(reference: Reference, verdicts: Verdicts, said: Said, recipe: Recipe) -> dict[str, Any]:
    """Figures of connections and hosts on the reference: those of ``FIGURES``, and what they were made of."""
    score = verdicts.calibration.score(said.odds)
    part = _part(recipe, verdicts.evidence)
    found = connection_figures(reference.rows, score, verdicts.thresholds.connection)
    peaks = host_peaks(reference.rows, score, said.class_index, verdicts.evidence.floor, part)
    hosts = host_figures(peaks, verdicts.thresholds.host, part)
    share = hosts["infected_named"] / hosts["infected"] if hosts["infected"] else None
    kept = {name: found[name] for name in FIGURES if name in found}
    more = ("connections", "malicious", "recall", "fpr")
    counts = ("infected", "infected_named", "clean", "clean_named")
    return (
        kept
        | {"infected_named_share": share}
        | {name: found[name] for name in more}
        | {name: hosts[name] for name in counts}
    )


def lost(before: dict[str, Any], after: dict[str, Any], most: float) -> list[str]:
    """Those of ``FIGURES`` that fell by more than ``most``, each in words with both values."""
    fallen = []
    for name, words in FIGURES.items():
        old, new = before[name], after[name]
        if old is not None and new is not None and old - new > most:
            fallen.append(f"{words} from {old:.3f} to {new:.3f}")
    return fallen
