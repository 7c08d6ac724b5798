"""Texts of which many are the same: each is held, and looked at, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt


class Repeated(Sequence[str]):
    """N texts: ``places`` (N,), each the place of one in ``texts`` (D,), of which some may be the same, or unused."""

    def __init__(self, texts: Sequence[str], places: npt.NDArray[np.int64]) -> None:
        self.texts = texts
        self.places = places

    @classmethod
    def of(cls, texts: Sequence[str]) -> Repeated:
        """These texts."""
        if isinstance(texts, Repeated):
            return texts
        known: dict[str, int] = {}
        places = np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int64)
        return cls(list(known), places)

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[str]:
        texts = self.texts
        return (texts[place] for place in self.places.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice | npt.NDArray[Any]) -> Repeated: ...
    def __getitem__(self, index: int | slice | npt.NDArray[Any]) -> str | Repeated:
        if isinstance(index, slice | np.ndarray):
            return Repeated(self.texts, self.places[index])
        return self.texts[int(self.places[index])]
