"""The outputs of a watch, followed as Filebeat does it, and read at the end: the two must be the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from zeekml.sinks import notice_log, zeekml_log

NAMES = {
    "zeekml": [name for name, _ in zeekml_log.FIELDS],
    "notice": [name for name, _ in notice_log.FIELDS],
}
_HEADER = b"#"


@dataclass
class _File:
    offset: int = 0
    records: int = 0
    read: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))


class Follower:
    """Reads an output and its rotated files as they grow, each file known by its inode; what follows the last line
    feed is held back. ``output`` is ``zeekml`` or ``notice``, or the name of a sink's file."""

    def __init__(self, folder: Path, output: str) -> None:
        self.folder = folder
        self.output = output
        self._files: dict[int, _File] = {}

    def count(self) -> int:
        """How many records there are by now."""
        for path, inode in _paths(self.folder, self.output):
            self._read(path, self._files.setdefault(inode, _File()))
        return sum(file.records for file in self._files.values())

    def problems(self) -> Iterator[str]:
        """Where the files are not what was read of them: something was changed, taken away, or is no whole line."""
        self.count()
        there = {inode: path for path, inode in _paths(self.folder, self.output)}
        for inode, file in self._files.items():
            if inode not in there:
                yield f"{self.output}: a file that was followed is gone"
                continue
            data = there[inode].read_bytes()
            if len(data) != file.offset:
                yield f"{there[inode].name}: {len(data)} bytes, {file.offset} of them in whole lines"
            elif hashlib.blake2b(data, digest_size=16).digest() != file.read.digest():
                yield f"{there[inode].name}: what stood in it was changed"

    def _read(self, path: Path, file: _File) -> None:
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return  # renamed since: it is found under its new name
        try:
            data = os.pread(handle, os.fstat(handle).st_size - file.offset, file.offset)
        finally:
            os.close(handle)
        whole = data[: data.rfind(b"\n") + 1]
        file.offset += len(whole)
        file.records += sum(not line.startswith(_HEADER) for line in whole.splitlines())
        file.read.update(whole)


def _paths(folder: Path, output: str) -> list[tuple[Path, int]]:
    """The files of an output, whatever they are called after rotation, with their inodes."""
    with os.scandir(folder) as entries:
        return [(Path(entry.path), entry.inode()) for entry in entries if entry.name.startswith(f"{output}.")]


def lines(folder: Path, output: str) -> list[bytes]:
    """All records in the order in which they were written: a file is finished before the next is begun."""
    paths = sorted((path.stat().st_mtime_ns, path) for path, _ in _paths(folder, output))
    return [
        line
        for _, path in paths
        for line in path.read_bytes().split(b"\n")
        if line and not line.startswith(_HEADER)
    ]


def fields(line: bytes, output: str) -> dict[str, Any]:
    """A record by the names of its columns; unset ones are left out."""
    if line.startswith(b"{"):
        found: dict[str, Any] = orjson.loads(line)
        return found
    cells = zip(NAMES[output], line.decode().split("\t"), strict=True)
    return {name: cell for name, cell in cells if cell != "-"}
