"""Logs in object storage and other file systems that fsspec knows, found as ``discover`` finds those on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import fsspec

from zeekml.errors import FormatError, InputError
from zeekml.records import Discovery, LogFile, discover
from zeekml.records.discover import look, shown, streams_of

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: Hadoop's names of what fsspec calls otherwise.
_PROTOCOLS: Final = {"s3a": "s3", "s3n": "s3", "abfss": "abfs"}


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log by its URL, such as ``s3://bucket/zeek/conn.log.gz``; its file system says who may read it."""

    url: str

    def __fspath__(self) -> str:
        """The URL without its protocol."""
        return self.url.partition("://")[2]

    def open(self, mode: Literal["rb"] = "rb", /) -> BinaryIO:
        """Open it for reading bytes; OSError, also where the file system says no in words of its own."""
        system, path = _system(self.url)
        try:
            return cast(BinaryIO, system.open(path, mode))
        except OSError:
            raise
        except Exception as error:  # each file system has its own
            raise OSError(str(error)) from error

    def stat(self) -> os.stat_result:
        """Its size; OSError."""
        system, path = _system(self.url)
        size = int(system.size(path) or 0)
        return os.stat_result((0o100644, 0, 0, 0, 0, 0, size, 0, 0, 0))


def discover_anywhere(paths: Sequence[str]) -> Discovery:
    """As ``zeekml.records.discover``; a path may be a URL: of a log, of a folder, or with a pattern.

    ``-`` is refused: standard input cannot be handed to other machines.
    """
    found = discover([path for path in paths if not is_url(path) and path != "-"])
    if "-" in paths:
        found.problems.append(
            InputError("-: standard input cannot be read by other processes; name a file or a folder.")
        )
    for url in filter(is_url, paths):
        try:
            _follow(url, found)
        except (OSError, ValueError, ImportError) as error:
            found.problems.append(InputError(f"{shown(url)}: cannot be read: {error}. Check the URL."))
    return found


def is_url(path: str) -> bool:
    """Whether a path names a file system, as in ``s3://...``."""
    return _URL.match(path) is not None


def _follow(url: str, found: Discovery) -> None:
    system, path = _system(url)
    if system.isdir(path):
        names = sorted(name for name in system.find(path) if not _is_hidden(name, path))
        if not names:
            found.empty.append(shown(url))
        logs = [log for name in names if (log := _weighed(system.unstrip_protocol(name), found))]
    else:
        names = sorted(system.glob(path)) if any(char in path for char in "*?[") else [path]
        if not names or not all(map(system.exists, names)):
            raise FileNotFoundError("there is nothing")
        logs = [_log(system.unstrip_protocol(name)) for name in names]
    found.streams += [
        replace(stream, name=system.unstrip_protocol(stream.name)) for stream in streams_of(logs)
    ]


def _weighed(url: str, found: Discovery) -> LogFile | None:
    """A log of a folder, if it is a connection log."""
    log = _log(url)
    try:
        look(log)
    except FormatError:
        found.passed_over.append(log.name)
    except InputError as error:
        found.problems.append(error)
    else:
        return log
    return None


def _log(url: str) -> LogFile:
    # Of a path, reading takes `open` and `stat`, and the name.
    return LogFile(cast(Path, StoredLog(url)), shown(url))


def _is_hidden(name: str, folder: str) -> bool:
    return any(part.startswith(".") for part in name.removeprefix(folder).split("/") if part)


def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    protocol, _, rest = url.partition("://")
    found: tuple[Any, str] = fsspec.core.url_to_fs(f"{_PROTOCOLS.get(protocol, protocol)}://{rest}")
    return found
