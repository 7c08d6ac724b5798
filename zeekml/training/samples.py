"""What a network is trained on in one epoch: sequences of features, labels and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.addresses import Networks
from zeekml.features import LAYOUT, Block, StateLimits, StreamState, blocks
from zeekml.features.runs import Runs
from zeekml.training.captures import IGNORED, Capture
from zeekml.training.made import chosen, made_log
from zeekml.training.overlays import HostLog, Network, excerpt, host_log, overlay, stacked, surroundings
from zeekml.training.recipe import FitPart, Recipe, VariationPart
from zeekml.training.sight import seen
from zeekml.training.variation import varied

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Features that a log with few columns does not have, not even worked out: masked together at times.
_PAYLOAD = ("orig_bytes", "resp_bytes", "payload_share", "host_dns_query", "host_dns_answer",
            "pair_sent_spread", "pair_received_spread")  # fmt: skip
_HISTORY = tuple(f.name for f in LAYOUT.features if f.sources == ("history",))


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows sorted into sequences: ``features`` (N, F), ``labels`` (N,), ``capture`` (N,) an index, ``starts`` (S,).

    ``suspect`` (N,) marks the connections of infected hosts that have no label of their own.
    """

    features: Floats
    labels: Ints
    capture: Ints
    starts: Ints
    suspect: Bools

    @property
    def ends(self) -> Ints:
        """(S,) one past the last row of each sequence."""
        return np.append(self.starts[1:], len(self.labels))

    @classmethod
    def joined(cls, parts: Sequence[Sequences]) -> Sequences:
        """Several sets of sequences as one."""
        offsets = np.cumsum([0, *(len(part.labels) for part in parts[:-1])])
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.capture for part in parts]),
            np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
            np.concatenate([part.suspect for part in parts]),
        )


def sequences_of(frame: object, labels: Ints, capture: Ints, suspect: Bools | None = None) -> Sequences:
    """Compute the features of a frame and sort its rows into sequences, one a host; by default none is suspect."""
    suspect = np.zeros(len(labels), dtype=bool) if suspect is None else suspect
    parts, at = [], 0
    for block in blocks(frame, StreamState(StateLimits())):  # type: ignore[arg-type]
        order = block.order
        rows = slice(at, at + len(order))
        parts.append(
            Sequences(
                block.matrix[order],
                labels[rows][order],
                capture[rows][order],
                block.runs.starts,
                suspect[rows][order],
            )
        )
        at += len(order)
    return Sequences.joined(parts)


def as_block(sequences: Sequences) -> Block:
    """Sequences as a block for a runner, each starting anew."""
    count = len(sequences.labels)
    starts = np.zeros(count, dtype=bool)
    starts[sequences.starts] = True
    slots = np.arange(len(sequences.starts))
    return Block(
        sequences.features, np.arange(count), Runs.where(starts), slots, np.ones(len(slots), dtype=bool)
    )


def _seen(log: HostLog, variation: VariationPart, rng: np.random.Generator) -> HostLog:
    """The log as the sensor sees it; of a host that is by itself everything, or damage would stand for bots."""
    return log if log.of_bot.all() else seen(log, variation, rng)


class Material:
    """Captures to train on; ``epoch`` gives fresh overlays of the infected hosts on the clean networks."""

    def __init__(self, captures: Sequence[Capture], recipe: Recipe) -> None:
        self._recipe = recipe
        self._classes = {name: index for index, name in enumerate(recipe.class_names)}
        made = chosen(recipe.made.behaviours, recipe.class_names, recipe.made.without)
        self._made = list(enumerate(made, len(captures)))
        nets = Networks.parse(recipe.data.local_nets, "data.local_nets")
        networks = [Network.of(c, nets, recipe.overlays.min_connections) for c in captures if c.clean]
        self._networks = [network for network in networks if network.hosts]
        self._bots: list[tuple[int, HostLog]] = []
        plain = []
        for index, capture in enumerate(captures):
            logs = [host_log(capture, host, bot=True) for host in capture.infected]
            self._bots += [
                (index, log)
                for log in logs
                if (log.labels >= 0).any() or (recipe.fit.suspects and len(log.labels))
            ]
            rest = ~capture.frame["id.orig_h"].isin(capture.infected).to_numpy()
            if (rest & (capture.labels >= 0)).any():
                frame = capture.frame[rest].reset_index(drop=True)
                labels = capture.labels[rest]
                plain.append(sequences_of(frame, labels, np.full(len(labels), index)))
        self._plain = Sequences.joined(plain)

    def epoch(self, rng: np.random.Generator, variation: VariationPart | None = None) -> Sequences:
        """All clean hosts as they are, and every infected host laid into clean networks anew.

        ``variation``: instead of the recipe's.
        """
        part, variation = self._recipe.overlays, variation or self._recipe.variation
        logs, capture = [], []
        for index, bot in self._bots:
            for _ in range(part.draws):
                log = varied(excerpt(bot, part.longest, rng), variation, rng)
                logs.append(_seen(self._laid(log, rng), variation, rng))
                capture.append(index)
        for index, name in self._made:
            for _ in range(self._recipe.made.draws):
                made = made_log(name, self._classes, rng)
                laid = surroundings(self._laid(made, rng), 2 * len(made.labels) + 100, rng)
                logs.append(_seen(laid, variation, rng))
                capture.append(index)
        frame, of_row = stacked(logs)
        labels = np.concatenate([log.labels for log in logs])
        suspect = np.concatenate([log.of_bot & (log.labels == IGNORED) for log in logs])
        overlaid = sequences_of(frame, labels, np.array(capture)[of_row], suspect)
        return Sequences.joined([self._plain, overlaid])

    def _laid(self, log: HostLog, rng: np.random.Generator) -> HostLog:
        """The log in a clean network, or (``alone`` of the draws) as it is."""
        part = self._recipe.overlays
        if not self._networks or rng.random() < part.alone:
            return log
        network = self._networks[rng.integers(len(self._networks))]
        return overlay(log, network, network.hosts[rng.integers(len(network.hosts))], part, rng)


def row_weights(sequences: Sequences, fit: FitPart) -> Floats:
    """The weight (N,) of each row in the loss, mean 1 over the counted rows; 0 for context.

    Captures are evened out by ``capture_power``, the malicious classes among themselves by ``class_power``; then
    malicious rows as a whole get ``malicious_share``.
    """
    labels, counted = sequences.labels, sequences.labels >= 0
    key = (
        sequences.capture * (labels.max() + 2) + labels + 1
    )  # context apart: it is not of the benign rows' number
    _, inverse, sizes = np.unique(key, return_inverse=True, return_counts=True)
    weight = np.where(counted, sizes[inverse].astype(np.float64) ** (fit.capture_power - 1), 0.0)
    for label in np.unique(labels[labels > 0]):
        mine = labels == label
        weight[mine] *= weight[mine].sum() ** (fit.class_power - 1)
    bad = labels > 0
    if bad.any():
        weight[bad] *= fit.malicious_share / weight[bad].sum()
        weight[labels == 0] *= (1 - fit.malicious_share) / weight[labels == 0].sum()
    scaled: Floats = (weight * counted.sum() / weight.sum()).astype(np.float32)
    return scaled


def mask_columns(
    sequences: Sequences, mask: float, feature_dropout: float, rng: np.random.Generator
) -> Floats:
    """The features (N, F) with some taken away, sequence by sequence.

    A share ``mask`` of the sequences loses payload sizes and history, as if another sensor had seen them; each
    feature is lost by a share ``feature_dropout``, so that no verdict hangs on one.
    """
    out = sequences.features.copy()
    of_row = np.repeat(np.arange(len(sequences.starts)), sequences.ends - sequences.starts)
    lost = rng.random((len(sequences.starts), out.shape[1])) < feature_dropout
    names = list(LAYOUT.names)
    blind = rng.random(len(sequences.starts)) < mask
    for name in (*_PAYLOAD, *_HISTORY):
        lost[blind, names.index(name)] = True
    for at, feature in enumerate(LAYOUT.features):
        out[lost[of_row, at], at] = np.nan if feature.kind == "number" else 0
    out[blind[of_row], names.index("history_missing")] = 1
    return out
