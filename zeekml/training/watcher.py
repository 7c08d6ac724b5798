"""Who is told how training goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zeekml.training.fit import Epoch  # brings PyTorch


class Watcher(Protocol):
    """Is told how training goes."""

    def begin(self, stage: str, epochs: int) -> None:
        """A stage begins that takes at most this many epochs (0: not counted)."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the stage is done."""


class Silent:
    """A watcher that tells nobody: for a process that has no terminal."""

    def begin(self, stage: str, epochs: int) -> None:
        """Nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Nothing."""
