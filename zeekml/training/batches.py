"""How an epoch's sequences are cut into pieces and put into batches, and how the learning rate goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.training.samples import Ints, Sequences


@dataclass(frozen=True, eq=False)
class Batch:
    """Pieces side by side: ``rows`` (B, L) of the epoch, and which of them are ``real`` and not padding (B, L)."""

    rows: Ints
    real: NDArray[np.bool_]


def whole_pieces(
    sequences: Sequences, length: int, counts: NDArray[np.generic], size: int, rng: np.random.Generator
) -> list[Batch]:
    """Batches of about ``size`` pieces of ``length``; pieces none of whose rows ``counts`` (N,) are left out."""
    return [_padded(*group) for group in _batches(*_cut(sequences, length, counts, rng), size, rng)]


def single_rows(counts: NDArray[np.generic], size: int, rng: np.random.Generator) -> list[Batch]:
    """Batches of about ``size`` rows, each by itself, of those that ``counts`` (N,)."""
    rows = np.flatnonzero(counts)
    return [_padded(*group) for group in _batches(rows, np.ones(len(rows), dtype=np.int64), size, rng)]


def schedule(done: float) -> float:
    """The share of the peak learning rate after the share ``done`` of training.

    A warm-up over the first 5 % and a cosine to a twentieth of the rate.
    """
    return float(min(done / 0.05 + 0.05, 1.0) * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * min(done, 1.0)))))


def _padded(starts: Ints, lengths: Ints) -> Batch:
    steps = np.arange(lengths.max())
    real = steps < lengths[:, None]
    return Batch(np.where(real, starts[:, None] + steps, starts[:, None]), real)


def _cut(
    sequences: Sequences, length: int, counts: NDArray[np.generic], rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Cut each sequence at a random phase into pieces of ``length``; pieces that count nothing are left out."""
    starts, lengths = [], []
    for start, end in zip(sequences.starts, sequences.ends, strict=True):
        cuts = np.arange(start - rng.integers(length) if end - start > length else start, end, length)
        cuts = np.append(np.maximum(cuts, start), end)
        starts.append(cuts[:-1])
        lengths.append(np.diff(cuts))
    begin, size = np.concatenate(starts), np.concatenate(lengths)
    total = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    keep = (size > 0) & (total[begin + size] - total[begin] > 0)
    return begin[keep], size[keep]


def _batches(starts: Ints, lengths: Ints, size: int, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints]]:
    """Pieces of like length together, in random order; as many as make about the same number of steps."""
    order = np.lexsort((rng.random(len(lengths)), np.ceil(np.log2(lengths))))
    most_steps = size * int(lengths.max())
    groups, at = [], 0
    while at < len(order):
        count = max(min(most_steps // int(2 ** np.ceil(np.log2(lengths[order[at]]))), 8 * size), 1)
        groups.append(order[at : at + count])
        at += count
    for i in rng.permutation(len(groups)):
        yield starts[groups[i]], lengths[groups[i]]
