"""Texts that occur many times, as numbers: compared and counted without an object for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """N texts: ``codes`` (N,), each the place of one in ``texts``, which are distinct."""

    codes: Codes
    texts: pd.Index[str]

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Self:
        """The values of a category column."""
        values = column.array
        return cls(values.codes.astype(np.int32, copy=False), values.categories)

    @classmethod
    def gathered(cls, texts: Iterable[str]) -> Self:
        """Texts one by one."""
        places: dict[str, int] = {}
        codes = [places.setdefault(text, len(places)) for text in texts]
        return cls(np.array(codes, dtype=np.int32), _index(places))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_]) -> Coded:
        return Coded(self.codes[rows], self.texts)

    def tolist(self) -> list[str]:
        """The texts, one by one."""
        used, places = np.unique(self.codes, return_inverse=True)
        texts = self.texts.take(used).tolist()
        return [texts[place] for place in places.tolist()]

    def place(self, text: str) -> int:
        """The code of a text, -1 where it has none."""
        return int(self.texts.get_indexer(_index([text]))[0])

    def then(self, other: Coded) -> Coded:
        """These texts and then the others."""
        if not len(self):
            return other
        places = {text: place for place, text in enumerate(other.texts.tolist())}
        own = np.array([places.setdefault(text, len(places)) for text in self.texts.tolist()], dtype=np.int32)
        return Coded(np.concatenate([own[self.codes], other.codes]), _index(places))

    def compact(self) -> Coded:
        """The same, holding no text that does not occur."""
        used, places = np.unique(self.codes, return_inverse=True)
        return Coded(places.astype(np.int32), self.texts.take(used))


def _index(texts: Iterable[str]) -> pd.Index[str]:
    """As objects: a log may hold bytes that are no UTF-8."""
    return pd.Index(list(texts), dtype=object)
