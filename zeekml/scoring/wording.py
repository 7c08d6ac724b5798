"""The words of the facts that are named, remembered by the features that they are made of."""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from zeekml.scoring.facts import FACTS, Columns, Values, features_of_facts
from zeekml.scoring.kernels.reasons import SILENT, SPEAKS, name_facts

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]

#: Rows that are looked at at once, and words that are remembered from one time to the next: both bound memory.
AT_ONCE = 2048
_MOST_KNOWN = 8192
#: Words at most: every fact of every row may be asked for.
_MOST = _MOST_KNOWN + AT_ONCE * len(FACTS)
_PLACES = 1 << (2 * _MOST).bit_length()


class Wording:
    """Names the facts of rows by codes: of a scan most connections say the same, and its words are made once.

    What features hold is told apart by 64 bits of a hash with a seed that nobody knows.
    """

    def __init__(self, most: int, least: float) -> None:
        """At most so many facts of a row, those behind the first with a part (nats) of at least ``least``."""
        self._most, self._least = most, least
        self._seed = np.uint64(secrets.randbits(64))
        self._begin = np.cumsum([0, *map(len, features_of_facts())], dtype=np.int64)
        self._features = np.concatenate(features_of_facts())
        self._forget()

    def named(self, parts: NDArray[np.float64], matrix: Floats) -> Codes:
        """Codes (N, most) of the facts of rows (N, F), at most `AT_ONCE`, whose ``parts`` (N, facts) are the largest
        and that have words, the strongest first, -1 where there are no more; they are good until the next call.

        Raises ValueError for more rows.
        """
        if len(matrix) > AT_ONCE:
            raise ValueError(f"{len(matrix):,} rows at once, expected at most {AT_ONCE:,}")
        if len(self.words) > _MOST_KNOWN:
            self._forget()
        named = np.empty((len(matrix), self._most), dtype=np.int32)
        rows, left = np.arange(len(matrix)), len(matrix)
        asked = np.empty((len(matrix) * self._most, 2), dtype=np.int64)
        bits, parts = np.ascontiguousarray(matrix).view(np.uint32), np.ascontiguousarray(parts)
        while left:
            counts = np.array([len(self.words), 0])
            left = name_facts(parts, bits, self._begin, self._features, self._seed, self._least, self._keys,
                              self._codes, self._known, rows, left, named, asked, counts)  # fmt: skip
            self._learn(matrix, asked[: counts[1]])
        return self._same.take(named)

    def _learn(self, matrix: Floats, asked: NDArray[np.int64]) -> None:
        """Find the words of ``asked`` facts of rows (A, 2), which have the next codes."""
        first = len(self.words)
        self.words += [""] * len(asked)
        self.facts += asked[:, 1].tolist()
        for fact in set(self.facts[first:]):
            places = np.flatnonzero(asked[:, 1] == fact)
            columns, words_of = Columns(matrix[asked[places, 0]]), FACTS[fact].words
            for at, code in enumerate((first + places).tolist()):
                words = self.words[code] = words_of(Values(columns, at))
                self._known[code] = SPEAKS if words else SILENT
                self._same[code] = self._code_of.setdefault((fact, words), code)

    def _forget(self) -> None:
        self.words: list[str] = []
        """By code, as `facts`, which are indices into ``FACTS``."""
        self.facts: list[int] = []
        self._keys = np.zeros(_PLACES, dtype=np.uint64)
        self._codes = np.full(_PLACES, -1, dtype=np.int32)
        self._known = np.zeros(_MOST, dtype=np.uint8)
        self._code_of: dict[tuple[int, str], int] = {}
        # The first code of the same words; the last one is what -1 stays.
        self._same = np.full(_MOST + 1, -1, dtype=np.int32)
