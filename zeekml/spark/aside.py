"""What tasks on one machine leave for each other in files, so that Java need not carry it.

To carry a connection through Java and back costs as much as to score it. On one machine Spark is handed where it lies
instead. Every attempt of a task writes a file of its own: what a task that failed has left is referred to by nobody.
The driver makes the folder, and takes it away when all is done.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Lying(NamedTuple):
    """Where bytes lie: ``size`` of them from ``at`` on in the file ``path``."""

    path: str
    at: int
    size: int

    def read(self) -> bytes:
        """The bytes. Raises OSError, also where the file is shorter."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, self.size, self.at)
            while len(data) < self.size:
                more = os.pread(descriptor, self.size - len(data), self.at + len(data))
                if not more:
                    raise OSError(f"{self.path}: ends at byte {self.at + len(data)} of {self.at + self.size}")
                data += more
        finally:
            os.close(descriptor)
        return data


def taken(data: Any) -> Any:
    """The bytes themselves, wherever they lie."""
    return data.read() if isinstance(data, Lying) else data


class Aside:
    """Puts bytes of one attempt of a task aside; without a folder they stay as they are."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self.moves = folder is None
        """Whether the bytes are moved by Spark: then they had better be few."""
        self._path = ""
        self._at = 0

    def put(self, data: bytes) -> bytes | Lying:
        """The bytes, or where they lie now. Raises OSError where the disk is full."""
        if self._folder is None:
            return data
        if not self._path:
            descriptor, self._path = tempfile.mkstemp(prefix="part-", dir=self._folder)
            os.close(descriptor)
        with Path(self._path).open("ab", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
        self._at += len(data)
        return Lying(self._path, self._at - len(data), len(data))


def local_folder() -> str | None:
    """Where Spark keeps what does not fit into memory; None: where this system does."""
    folders = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")
    return next((folder for folder in folders if os.path.isdir(folder)), None)  # noqa: PTH112


@contextmanager
def folder_for(master: str) -> Iterator[str | None]:
    """A folder for what tasks leave for each other, where they all run on this machine; else None."""
    if not master.startswith("local"):
        yield None
        return
    folder = tempfile.mkdtemp(prefix="zeekml-", dir=local_folder())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
