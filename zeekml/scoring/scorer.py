"""Scores batches of connections with a bundle; the state of each stream is kept between batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays, below, number, pack_texts, taken, under, unpack_texts
from zeekml.features import LAYOUT, PAIR_FEATURES, Block, StateLimits, StreamState, blocks
from zeekml.memory import Memory
from zeekml.repeated import Repeated
from zeekml.scoring.bundle import Bundle
from zeekml.scoring.reasons import Reason, Reasons, Seen, seen
from zeekml.scoring.runners import Runs, runners_of
from zeekml.scoring.scores import Scores
from zeekml.table import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Half of what is said of N connections: their features, in blocks and as one matrix (N, F).

    ``trees`` (N,) are the log odds of the trees beside the network; None where there are none.
    """

    blocks: list[Block]
    matrix: NDArray[np.float32]
    trees: NDArray[np.float64] | None


class Scorer:
    """The pipeline from connections to scores, the same for every driver.

    The same connections in the same order give the same scores, however they are cut into batches.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        limits: StateLimits | None = None,
        threads: int | None = None,
        every_feature: bool = False,
    ) -> None:
        """``every_feature``: those of peer-and-port contexts are worked out even if the model does not see them."""
        self._with_pairs = every_feature or bool(bundle.features_used[PAIR_FEATURES].any())
        self._bundle = bundle
        self._limits = limits or StateLimits()
        self._memory = Memory()
        self._streams: dict[str, tuple[StreamState, Runs]] = {}
        self._caps_acted = 0
        self._start_runner = runners_of(bundle, threads)

    @cached_property
    def _reasons(self) -> Reasons:
        """Made when somebody asks for the first reason."""
        return Reasons(self._bundle)

    def score(self, frame: Frame, stream: str) -> Scores:
        """Score the next batch (N rows of the batch schema, in log order) of a stream."""
        return self.judge(self.features(frame, stream), stream)

    def features(self, frame: Frame, stream: str) -> Prepared:
        """The first half of ``score``: what `judge` wants of the next batch of a stream.

        Both halves have memories of their own, so two threads may work at them, each in the order of the batches. The
        trees, which look at each connection by itself, are asked in this half, which without them is the shorter one.
        """
        found = blocks(frame, self._stream(stream)[0])
        matrix = _joined([block.matrix for block in found]) if found else _no_features()
        return Prepared(found, matrix, self._bundle.of_trees(matrix))

    def judge(self, prepared: Prepared, stream: str) -> Scores:
        """The second half of ``score``."""
        if not prepared.blocks:
            return _nothing()
        _, runner = self._stream(stream)
        logits = _joined([runner.logits(block) for block in prepared.blocks])
        from zeekml.scoring.kernels.verdicts import verdicts  # noqa: PLC0415 - is compiled or loaded

        bundle = self._bundle
        return verdicts(logits, prepared.trees, bundle.trees_share, bundle.calibration, prepared.matrix)

    def reasons(self, scores: Scores, rows: NDArray[np.int64]) -> Repeated:
        """The facts that spoke most against these rows (R,), in a short text each."""
        if scores.features is None or scores.network_odds is None:
            return Repeated([""], np.zeros(len(rows), dtype=np.int64))
        return self._reasons.texts(scores.features[rows], scores.network_odds[rows])

    def reasons_of(self, scores: Scores, row: int) -> list[Reason]:
        """What every fact says of one row, in the order of ``FACTS``; empty where no features were kept."""
        if scores.features is None or scores.network_odds is None:
            return []
        return self._reasons.of_row(scores.features[row], float(scores.network_odds[row]))

    def features_of(self, scores: Scores, row: int) -> list[Seen]:
        """Every feature of one row, in the order of the layout; empty where no features were kept."""
        return [] if scores.features is None else seen(scores.features[row])

    def end_stream(self, stream: str) -> None:
        """Forget a stream that has ended."""
        if (held := self._streams.pop(stream, None)) is not None:
            self._caps_acted += held[0].caps_acted

    def export(self) -> Arrays:
        """All that is carried from batch to batch, of every stream: compact copies, whatever may follow."""
        arrays = {"caps_acted": number(self._caps_acted), **under("streams", pack_texts(list(self._streams)))}
        for place, (state, runner) in enumerate(self._streams.values()):
            arrays |= under(f"{place}/state", state.export())
            arrays |= under(f"{place}/runner", runner.export(state.hosts.slots))
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `export` gave, instead of what is held: the next batches score as they would have there.

        Raises StateError when it does not fit the bundle or was made by another zeekml; then nothing has changed.
        """
        caps_acted = int(taken(arrays, "caps_acted", number(0)))
        streams = {}
        for place, name in enumerate(unpack_texts(below("streams", arrays))):
            state, runner = self._begun()
            state.restore(below(f"{place}/state", arrays))
            runner.restore(below(f"{place}/runner", arrays), len(state.hosts))
            streams[name] = (state, runner)
        self._streams, self._caps_acted = streams, caps_acted

    @property
    def hosts_held(self) -> int:
        """Hosts whose state is held now, in all streams."""
        return sum(len(state.hosts) for state, _ in self._streams.values())

    @property
    def pairs_held(self) -> int:
        """Peer-and-port contexts held now, in all streams."""
        return sum(len(state.pairs) for state, _ in self._streams.values())

    @property
    def caps_acted(self) -> int:
        """Hosts and contexts that a cap has put out so far."""
        return self._caps_acted + sum(state.caps_acted for state, _ in self._streams.values())

    def _stream(self, name: str) -> tuple[StreamState, Runs]:
        if name not in self._streams:
            self._streams[name] = self._begun()
        return self._streams[name]

    def _begun(self) -> tuple[StreamState, Runs]:
        state = StreamState(self._limits, with_pairs=self._with_pairs, memory=self._memory)
        return state, self._start_runner()


def _joined(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Parts (.., C), one at least, one after the other; a single one is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _no_features() -> NDArray[np.float32]:
    return np.empty((0, len(LAYOUT.features)), dtype=np.float32)


def _nothing() -> Scores:
    none = np.empty(0, dtype=np.float32)
    return Scores(score=none, class_index=np.empty(0, dtype=np.int64), class_score=none)
