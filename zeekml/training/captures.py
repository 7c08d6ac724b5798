"""Labelled captures: frames with a class for each connection, and what is known of their hosts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.addresses import Networks, private_mask
from zeekml.errors import RecipeError
from zeekml.records import Rejects, discover, join, read_batches
from zeekml.records.schema import NAMES
from zeekml.training.corrections import Correction, load_corrections
from zeekml.training.recipe import CONTEXT, Recipe

#: The label of a connection that is context only.
IGNORED = -1

#: Names of the column with the detailed label, in the variants that are published.
DETAILED = ("detailed-label", "detailedlabel")


@dataclass(frozen=True, eq=False)
class Capture:
    """One labelled log.

    ``frame`` has the batch columns; ``labels`` (N,) are class indices, ``IGNORED`` for context; ``infected`` the hosts
    known infected; ``clean`` says that every local host is clean; ``measured`` that it may be counted in results.
    """

    name: str
    group: str
    frame: pd.DataFrame
    labels: NDArray[np.int64]
    infected: tuple[str, ...]
    clean: bool
    measured: bool = True
    path: Path = Path()

    @property
    def event_time(self) -> NDArray[np.float64]:
        """(N,) ts + duration in seconds: the order in which connections end."""
        return np.asarray(self.frame["ts"] + self.frame["duration"].fillna(0), dtype=np.float64)


def load_captures(
    recipe: Recipe, folder: Path, progress: Callable[[str], None] = lambda _: None
) -> list[Capture]:
    """Read every log that the recipe names below ``folder``, correct and map its labels."""
    hosts = known_hosts(folder / recipe.data.hosts)
    corrections = [c for name in recipe.data.corrections for c in load_corrections(folder / name)]
    captures = []
    groups = folder / recipe.data.groups
    for row in _rows(groups, ("file", "group")):
        progress(row["file"])
        captures.append(
            _capture(groups.parent / row["file"], row["group"], recipe, hosts, corrections, measured=True)
        )
    for pattern in recipe.data.training_only:
        for path in sorted(folder.glob(pattern)):
            progress(path.name)
            captures.append(_capture(path, "training-only", recipe, hosts, corrections, measured=False))
    unused = [
        c for c in corrections if not c.for_any_log and c.file not in {capture.name for capture in captures}
    ]
    if unused:
        raise RecipeError(f"label corrections for {unused[0].file!r}, but the recipe reads no such log")
    return captures


def stem(path: Path) -> str:
    """The name of a log without the endings that only say how it is stored: ``x.conn.log.labeled.gz`` is ``x``, and so
    is ``x.eve.json.gz``."""
    return path.name.split(".conn.")[0].split(".eve.")[0]


def local_hosts(capture: Capture, nets: Networks) -> dict[str, int]:
    """The local originators of a capture and the number of their connections."""
    originators = capture.frame["id.orig_h"]
    counts = originators.value_counts()
    addresses = pd.Index([str(host) for host in counts.index])
    said = set(originators[capture.frame["local_orig"].fillna(False).to_numpy(dtype=bool)].astype(str))
    local = private_mask(addresses) | nets.contains(addresses) | addresses.isin(list(said))
    local &= ~addresses.isin(["0.0.0.0", "::"])  # noqa: S104 - not a bind address
    return {host: int(n) for host, n, keep in zip(addresses, counts, local, strict=True) if keep}


def _capture(
    path: Path,
    group: str,
    recipe: Recipe,
    hosts: dict[str, dict[str, bool]],
    corrections: list[Correction],
    *,
    measured: bool,
) -> Capture:
    name = stem(path)
    frame = _read(path)
    labels = label_indices(_corrected_words(name, frame, recipe, corrections, path), recipe)
    known = hosts.get(name, {})
    infected = {host for host, bad in known.items() if bad}
    if not measured:
        infected |= set(frame["id.orig_h"][labels > 0].astype(str))
    return Capture(
        name,
        group,
        frame[list(NAMES)],
        labels,
        tuple(sorted(infected)),
        known.get("*") is False,
        measured,
        path,
    )


def _corrected_words(
    name: str, frame: pd.DataFrame, recipe: Recipe, corrections: list[Correction], path: Path
) -> pd.Categorical:
    """The word of each connection (N,); a log without labels has those that the corrections give it."""
    if has_labels(frame):
        words = label_words(frame, recipe, path)
        for correction in corrections:
            if correction.is_for(name):
                correction.apply(frame, words, path)
        return words
    words = unknown_words(len(frame), recipe)
    met = [each.apply(frame, words, path) for each in corrections if each.is_for(name)]
    if not any(met):
        label_words(frame, recipe, path)  # says what is missing
    return words


def has_labels(frame: pd.DataFrame) -> bool:
    """Whether a log read with its further columns has labels of its own."""
    return "label" in frame and any(name in frame for name in DETAILED)


def unknown_words(length: int, recipe: Recipe) -> pd.Categorical:
    """``Unknown`` for every connection (N,), to be corrected."""
    words = np.full(length, "Unknown", dtype=object)
    return pd.Categorical(words, categories=[*recipe.class_names, *CONTEXT])


def _read(path: Path) -> pd.DataFrame:
    rejects = Rejects()
    found = discover([str(path)])
    for problem in found.problems:
        raise problem
    frames = [
        batch.frame
        for stream in found.streams
        for log in stream.files
        for batch in read_batches(log, stream.name, rejects=rejects, extra=True)
    ]
    if not frames:
        raise RecipeError(f"{path}: holds no connections; take it out of the recipe's tables")
    return join(frames)


def label_words(frame: pd.DataFrame, recipe: Recipe, path: Path) -> pd.Categorical:
    """The class or context word of each connection (N,), by the recipe's patterns.

    Raises RecipeError when the frame lacks its labels, or when one fits no pattern.
    """
    detailed = next((name for name in DETAILED if name in frame), None)
    if "label" not in frame or detailed is None:
        raise RecipeError(
            f"{path}: has no columns label and detailed-label, and no correction meets one of its connections; "
            "labelled logs are needed to train"
        )
    pairs = frame[["label", detailed]].astype(object).fillna("-").agg("/".join, axis=1).astype("category")
    words = []
    for text in pairs.cat.categories:
        word = recipe.class_of(*str(text).split("/", 1))
        if word is None or word not in (*recipe.class_names, *CONTEXT):
            count = int((pairs == text).sum())
            raise RecipeError(
                f"{path}: {count} connections are labelled {text!r}, which no pattern of classes fits"
            )
        words.append(word)
    return pd.Categorical(
        np.array(words, dtype=object)[pairs.cat.codes], categories=[*recipe.class_names, *CONTEXT]
    )


def label_indices(words: pd.Categorical, recipe: Recipe) -> NDArray[np.int64]:
    """Class indices (N,) of class and context words (N,), ``IGNORED`` for context."""
    index = {word: i for i, word in enumerate(recipe.class_names)} | dict.fromkeys(CONTEXT, IGNORED)
    by_code = np.array([index[word] for word in words.categories], dtype=np.int64)
    return np.asarray(by_code[words.codes], dtype=np.int64)


def known_hosts(path: Path) -> dict[str, dict[str, bool]]:
    """The table of known hosts: by log, whether each host is infected; host ``*`` stands for all local ones."""
    known: dict[str, dict[str, bool]] = {}
    for row in _rows(path, ("file", "host", "infected")):
        if row["infected"] not in ("0", "1"):
            raise RecipeError(f"{path}: infected is {row['infected']!r} for {row['host']!r}; expected 0 or 1")
        known.setdefault(row["file"], {})[row["host"]] = row["infected"] == "1"
    return known


def _rows(path: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); check the data folder") from error
    missing = [name for name in needed if not rows or name not in rows[0]]
    if missing:
        raise RecipeError(f"{path}: lacks the column {missing[0]!r}")
    return rows
