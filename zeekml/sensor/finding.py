"""Finds the logs to follow in a folder, as they stand there or appear."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from zeekml.errors import FormatError, InputError
from zeekml.records import LogFile
from zeekml.records.discover import look, shown
from zeekml.records.rotation import rotation

_LIVE = "current"  # zeekctl's link to where the open logs are

_Seen = tuple[int, int, int]
_log = logging.getLogger("zeekml.sensor")


class LogFinder:
    """Looks for connection logs below folders. ``archives`` are left out: they hold rotated files of other logs."""

    def __init__(self, archives: Sequence[Path] = ()) -> None:
        self._archives = {os.path.realpath(folder) for folder in archives}
        self._judged: dict[Path, _Seen] = {}
        self._told: set[Path] = set()
        self._listed: set[Path] = set()

    def find(
        self, folder: Path, followed: Collection[Path], was_followed: Callable[[Path], bool] = lambda _: False
    ) -> list[Path]:
        """The live logs below a folder, and the places of those of which only rotated files are there.

        ``followed`` are logs that are known to be some, ``was_followed`` tells those of an earlier run; hidden files
        and other logs are passed over.
        """
        live: list[Path] = []
        rotated: dict[Path, Path] = {}
        for path, home in self._files(folder):
            if home is not None:
                rotated[home] = path
            elif path in followed or self._is_connection_log(path):
                live.append(path)
        there = {path.name: path for path in (*followed, *live)}
        found = list(live)
        for home, newest in rotated.items():
            if home in live or home.exists():
                continue
            if home in followed or was_followed(home):
                found.append(home)
            elif (other := there.get(home.name)) is not None:
                self._pass_over(home.parent, other)
            elif self._is_connection_log(newest):
                found.append(home)
        return found

    def _pass_over(self, folder: Path, log: Path) -> None:
        # Rotated files moved out of the log's folder: followed by themselves, they would be read a second time.
        if folder not in self._told:
            self._told.add(folder)
            _log.warning(
                "%s: holds rotated files alone, of the name of %s, and is passed over; if they are those of that "
                "log, name the folder in watch.archives",
                shown(folder),
                shown(log),
            )

    def _files(self, folder: Path) -> Iterator[tuple[Path, Path | None]]:
        """The files below a folder, sorted; of a rotated one also where its log lies when it is there."""
        entries = [] if os.path.realpath(folder) in self._archives else _sorted(folder)
        dated = [one for one in entries if _is_dated(one)]
        lives_in = folder / _LIVE if any(one.name == _LIVE and one.is_dir() for one in entries) else folder
        # A log that begins later is in the newest folder; to list them all each second would be too much.
        for day in dated[-1:] if folder in self._listed else dated:
            for inner in _sorted(Path(day.path)):
                if not inner.is_dir():
                    stem = rotation(f"{day.name}/{inner.name}").stem
                    yield Path(inner.path), lives_in / Path(stem).name
        for entry in entries:
            path = Path(entry.path)
            if not entry.is_dir():
                home = path.with_name(Path(rotation(entry.name).stem).name)
                yield path, home if home != path else None
            elif entry not in dated and (entry.name == _LIVE or not entry.is_symlink()):
                yield from self._files(path)
        self._listed.add(folder)

    def _is_connection_log(self, path: Path) -> bool:
        """Look at a file once, and again when it is another or had too little in it to tell."""
        try:
            state = path.stat()
            seen = (state.st_dev, state.st_ino, min(state.st_size, 1 << 20))
            if self._judged.get(path) == seen:
                return False
            self._judged[path] = seen
            look(LogFile(path, shown(path)))
        except (FormatError, OSError):
            return False
        except InputError:
            # No right to read it: one that is called as a connection log is followed, and the problem told.
            return path.name.startswith(("conn", "eve"))
        return True


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            visible = (entry for entry in found if not entry.name.startswith("."))
            return sorted(visible, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError:
        return []


def _is_dated(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and rotation(f"{entry.name}/x").moment is not None
