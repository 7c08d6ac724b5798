"""The journal and the snapshots of a running watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from zeekml.arrays import Arrays
from zeekml.errors import OutputError
from zeekml.journal.folder import StateFolder
from zeekml.journal.journal import Journal
from zeekml.journal.snapshot import Abandoned, Maker, save_snapshot
from zeekml.journal.step import Step

LARGEST_JOURNAL: Final = 128 << 20
"""Bytes of journal after which a checkpoint is due whatever the time: what a crash leaves to score again."""


_GRACE: Final = 0.3
"""Seconds that an abandoned snapshot gets to clean up after itself; the next start does it otherwise."""
_MOMENT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot of ``size`` bytes was written in ``seconds``, or was not: ``problem``, or ``abandoned``."""

    seconds: float
    size: int
    problem: OutputError | None = None
    abandoned: bool = False


class Checkpoints:
    """Steps go into the journal as they come; a snapshot is written by a thread while the watch goes on."""

    def __init__(self, folder: StateFolder, maker: Maker, generation: int, number: int) -> None:
        """``generation``: the highest in use; ``number``: of the last step. `begin` comes first."""
        self._folder = folder
        self._maker = maker
        self._generation = generation
        self._number = number
        self._thread: threading.Thread | None = None
        self._saved: Saved | None = None
        self._failure: BaseException | None = None
        self._is_abandoned = threading.Event()
        self._journal: Journal | None = None
        self._began = time.monotonic()

    def begin(self, arrays: Arrays, facts: Mapping[str, Any]) -> None:
        """Save the state that was recovered, or the first one, and begin a journal. Raises OutputError."""
        self._generation += 1
        self._save(self._generation, arrays, self._facts(facts))
        self._journal = self._folder.begin_journal(self._generation)
        self._folder.remove_before(self._generation)
        self._began = time.monotonic()

    def record(self, step: Step) -> None:
        """Put a step, which gets its number here, on the disk. Raises OutputError."""
        self._open_journal.append(replace(step, number=self._number + 1).encode())
        self._number += 1

    @property
    def journal_bytes(self) -> int:
        """Length of the journal."""
        return 0 if self._journal is None else self._journal.size

    @property
    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("begin() comes first")
        return self._journal

    def is_due(self, every: float) -> bool:
        """Whether a snapshot should be begun: ``every`` seconds have passed, or the journal is long."""
        if self._thread is not None:
            return False
        return self.journal_bytes >= LARGEST_JOURNAL or time.monotonic() - self._began >= every

    def start(
        self, export: Callable[[], Arrays], facts: Mapping[str, Any], sync_outputs: Callable[[], None]
    ) -> None:
        """Begin a snapshot of this moment; `saved` tells when it is in place.

        Called by its thread: ``export``, which gives the state, and before it ``sync_outputs``, which waits until what
        the journal so far says of the outputs is on the disk.
        """
        journal = self._folder.begin_journal(self._generation + 1)
        self._open_journal.close()
        self._journal = journal
        self._generation += 1
        self._began = time.monotonic()
        arguments = (self._generation, export, self._facts(facts), sync_outputs)
        self._thread = threading.Thread(
            target=self._run, args=arguments, name="zeekml-checkpoint", daemon=True
        )
        self._thread.start()

    def finish(self, left: Callable[[], float]) -> Saved | None:
        """Wait for the snapshot that was begun, and say what became of it; None when none was.

        It is abandoned when no time is ``left`` (s), which is asked again and again.
        """
        while self._thread is not None and self._thread.is_alive():
            if left() <= 0:
                self._is_abandoned.set()
            if left() <= -_GRACE:
                return Saved(0.0, 0, abandoned=True)
            self._thread.join(_MOMENT)
        return self.saved()

    def saved(self) -> Saved | None:
        """What became of the snapshot that was begun, once; None while it is being written, and when none was."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread = None
        if self._failure is not None:
            raise self._failure
        return self._saved

    def close(self) -> None:
        """Close the journal; a snapshot being written is waited for, unless it is abandoned: whatever hangs in its
        thread then, it changes nothing any more."""
        if self._thread is not None and not self._is_abandoned.is_set():
            self._thread.join()
        if self._journal is not None:
            self._journal.close()

    def _run(
        self,
        generation: int,
        export: Callable[[], Arrays],
        facts: Mapping[str, Any],
        sync: Callable[[], None],
    ) -> None:
        began = time.monotonic()
        try:
            sync()
            size = self._save(generation, export(), facts)
            self._folder.remove_before(generation)
        except Abandoned:
            self._saved = Saved(time.monotonic() - began, 0, abandoned=True)
        except OutputError as error:
            self._saved = Saved(time.monotonic() - began, 0, error)
        except BaseException as error:  # raised in the thread that asks what became of it
            self._failure = error
        else:
            self._saved = Saved(time.monotonic() - began, size)

    def _save(self, generation: int, arrays: Arrays, facts: Mapping[str, Any]) -> int:
        path = self._folder.snapshot(generation)
        return save_snapshot(
            path, arrays, facts, self._maker, is_wanted=lambda: not self._is_abandoned.is_set()
        )

    def _facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {**facts, "step": self._number}
