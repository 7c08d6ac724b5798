"""Analysts' verdicts as numbers: what a model said of the connections that were judged, and what they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.errors import InputError, RecipeError
from zeekml.evaluation.logs import LabelledLog
from zeekml.evaluation.truth import Truth
from zeekml.records import BATCH_ROWS
from zeekml.scoring import Bundle, Scorer
from zeekml.scoring.manifest import FeedbackPart, SiteLog
from zeekml.training.captures import DETAILED
from zeekml.training.corrections import load_corrections
from zeekml.tuning.calibrate import odds_of
from zeekml.tuning.site import feedback_part, last_words, site_stream


@dataclass(frozen=True, eq=False)
class Judged:
    """N connections that analysts judged: log odds (N,) by the model, ``bad`` (N,) malicious, and whence they are.

    ``recorded`` of them are in none of the logs and go by the score that stood in the table.
    """

    odds: NDArray[np.float64]
    bad: NDArray[np.bool_]
    recorded: int
    feedback: FeedbackPart
    logs: tuple[SiteLog, ...]


def judged(bundle: Bundle, logs: Iterable[LabelledLog], truth: Truth, tables: Sequence[Path]) -> Judged:
    """Score the logs, and take what the verdicts in ``tables`` say of their connections; labels in logs do not count.

    Of several verdicts on a connection the last one holds. A verdict on a connection that is in none of the logs goes
    by its recorded score where this same model gave it. Raises InputError when that leaves nothing.
    """
    scorer = Scorer(bundle)
    odds, bad, entries = [], [], []
    for log in logs:
        labels = _said(log, truth)
        entries.append(site_stream(log, 0.0, clean=False).entry())
        if (labels >= 0).any():
            found = model_odds(bundle, scorer, log.capture.frame, log.stream)
            odds.append(found[labels >= 0])
            bad.append(labels[labels >= 0] > 0)
    recorded = _recorded(bundle, truth, tables)
    odds.append(odds_of(bundle.calibration, [score for score, _ in recorded]))
    bad.append(np.array([malicious for _, malicious in recorded], dtype=bool))
    every = np.concatenate(odds)
    if not len(every):
        raise InputError(
            f"none of the {len(truth.rules)} verdicts can be used: none is about a connection of the logs, and none "
            f"was given on a score of {bundle.name} {bundle.version}; name the logs that the verdicts are about"
        )
    part = feedback_part(truth)
    counts = {
        "used": part.used + len(recorded),
        "benign": part.benign + sum(not malicious for _, malicious in recorded),
        "malicious": part.malicious + sum(malicious for _, malicious in recorded),
    }
    return Judged(every, np.concatenate(bad), len(recorded), part.model_copy(update=counts), tuple(entries))


def _said(log: LabelledLog, truth: Truth) -> NDArray[np.int64]:
    """The classes (N,) that verdicts alone give the connections of a log."""
    nothing = pd.Series(pd.Categorical([np.nan] * len(log.capture.labels)))
    frame = log.capture.frame.assign(label=nothing, **{DETAILED[0]: nothing})
    return truth.labels(log.name, frame, Path(log.stream))


def model_odds(bundle: Bundle, scorer: Scorer, frame: pd.DataFrame, stream: str) -> NDArray[np.float64]:
    """The model's log odds (N,) of a whole stream, before calibration."""
    parts = []
    for start in range(0, len(frame), BATCH_ROWS):
        scores = scorer.score(frame.iloc[start : start + BATCH_ROWS].reset_index(drop=True), stream)
        assert scores.network_odds is not None and scores.features is not None  # noqa: S101, PT018
        parts.append(bundle.with_trees(scores.network_odds, scores.features))
    scorer.end_stream(stream)
    return np.concatenate(parts)


def _recorded(bundle: Bundle, truth: Truth, tables: Sequence[Path]) -> list[tuple[float, bool]]:
    """Score and verdict of what is in none of the logs, and was scored by this very model."""
    lines = [line for table in tables for line in _lines(table)]
    model = f"{bundle.name} {bundle.version}"
    classes = truth.recipe.class_names
    found = []
    for place, rule in last_words(truth):
        line = lines[place]
        unmet = place not in truth.met and rule.for_any_log and rule.corrected in classes
        if unmet and line.get("model") == model:
            found.append((_score(line, rule.line), rule.corrected != classes[0]))
    return found


def _lines(table: Path) -> list[dict[str, str]]:
    load_corrections(table)  # says what is wrong with it
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _score(line: dict[str, str], number: int) -> float:
    try:
        score = float(line["score"])
    except (KeyError, ValueError) as error:
        raise RecipeError(
            f"line {number} of the verdicts: score is {line.get('score')!r}, expected a number from 0 to 1"
        ) from error
    if not 0 <= score <= 1:
        raise RecipeError(f"line {number} of the verdicts: score is {score}, expected a number from 0 to 1")
    return score
