"""The state folder of a watch: what it holds, in which generation, and who may write there.

``snapshot.N`` is the state at one moment and ``journal.N`` what happened since. A checkpoint begins
``journal.N+1`` at once and writes ``snapshot.N+1`` while the watch goes on; then the older files go. The
state is therefore the newest snapshot and all journals from its number on, wherever a crash falls.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zeekml.errors import StateError
from zeekml.journal.journal import Journal, records, sync_folder
from zeekml.journal.step import Step
from zeekml.sinks.folder import failures

LOCK: Final = "lock"
OUTBOX: Final = "outbox"
_NAME: Final = re.compile(r"(snapshot|journal)\.(\d{8,})")
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Found:
    """What a state folder holds: the newest snapshot, the journals to replay on it, the highest number seen."""

    snapshot: Path | None
    journals: tuple[Path, ...]
    generation: int

    def steps(self) -> Iterator[Step]:
        """The steps since the snapshot, in order. Raises StateError for a damaged journal."""
        for path in self.journals:
            for record in records(path):
                yield Step.decode(record)


class StateFolder:
    """A state folder, locked for this process until `close`."""

    def __init__(self, path: Path) -> None:
        """Make the folder if there is none and lock it; StateError when another process holds it.

        Raises OutputError when it cannot be made or written to.
        """
        self.path = path
        with failures(path):
            path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._lock = os.open(
                path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE
            )
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise StateError(
                f"{path}: another zeekml watch runs with this state folder; stop it first, or name another "
                "folder with --state"
            ) from None
        except OSError as error:
            self.close()
            raise StateError(
                f"{path}: the folder cannot be locked ({error.strerror or error}); name one on a local disk"
            ) from error

    def close(self) -> None:
        """Let the next process in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def snapshot(self, generation: int) -> Path:
        """Where the snapshot of a generation stands."""
        return self.path / f"snapshot.{generation:08}"

    def begin_journal(self, generation: int) -> Journal:
        """Begin the journal of a generation."""
        return Journal(self.path / f"journal.{generation:08}")

    def remove_before(self, generation: int) -> None:
        """Remove the snapshots and journals of earlier generations."""
        with failures(self.path):
            for number, path in _files(self.path):
                if number < generation:
                    with contextlib.suppress(FileNotFoundError):
                        path.unlink()
            sync_folder(self.path)


def find(path: Path) -> Found:
    """What a state folder holds; nothing is changed. StateError when it cannot be read."""
    try:
        files = sorted(_files(path))
    except FileNotFoundError:
        files = []
    except OSError as error:
        raise StateError(f"{path}: the state folder cannot be read: {error.strerror or error}") from error
    snapshots = [(number, file) for number, file in files if file.name.startswith("snapshot")]
    newest, snapshot = snapshots[-1] if snapshots else (0, None)
    journals = tuple(file for number, file in files if file.name.startswith("journal") and number >= newest)
    if journals and snapshot is None:
        raise StateError(
            f"{path}: {journals[0].name} is there, but no snapshot; put back a copy of the state folder, or name "
            "a new one with --state"
        )
    return Found(snapshot, journals, max((number for number, _ in files), default=0))


def _files(path: Path) -> list[tuple[int, Path]]:
    named = ((_NAME.fullmatch(entry.name), entry) for entry in path.iterdir())
    return [(int(match[2]), entry) for match, entry in named if match]
