"""Texts that occur many times, as numbers: compared and counted without an object for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zeekml.table import Labels

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """N texts: ``codes`` (N,), each the place of one in ``texts`` (D,), which are distinct."""

    codes: Codes
    texts: npt.NDArray[np.object_]
    """As objects: what was remembered may hold bytes that are no UTF-8."""

    @classmethod
    def of(cls, labels: Labels) -> Self:
        """Labels that are all set."""
        return cls(labels.codes, _array(labels.texts))

    @classmethod
    def gathered(cls, texts: Iterable[str]) -> Self:
        """Texts one by one."""
        places: dict[str, int] = {}
        codes = [places.setdefault(text, len(places)) for text in texts]
        return cls(np.array(codes, dtype=np.int32), _array(places))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_]) -> Coded:
        return Coded(self.codes[rows], self.texts)

    def tolist(self) -> list[str]:
        """The texts, one by one."""
        return list(self.texts[self.codes])

    def place(self, text: str) -> int:
        """The code of a text, -1 where it has none."""
        found = np.flatnonzero(self.texts == text)
        return int(found[0]) if len(found) else -1

    def then(self, other: Coded) -> Coded:
        """These texts and then the others."""
        if not len(self):
            return other
        places = {text: place for place, text in enumerate(other.texts.tolist())}
        own = np.array([places.setdefault(text, len(places)) for text in self.texts.tolist()], dtype=np.int32)
        return Coded(np.concatenate([own[self.codes], other.codes]), _array(places))

    def compact(self) -> Coded:
        """The same, holding no text that does not occur."""
        used, places = np.unique(self.codes, return_inverse=True)
        return Coded(places.astype(np.int32), self.texts[used])


def _array(texts: Iterable[str]) -> npt.NDArray[np.object_]:
    held = list(texts)
    array = np.empty(len(held), dtype=object)
    array[:] = held
    return array
