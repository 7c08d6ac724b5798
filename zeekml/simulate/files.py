"""A file that appears whole or not at all, compressed by its name."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from zeekml.errors import OutputError


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Takes all of ``data``."""


@contextmanager
def whole_file(path: Path) -> Iterator[Sink]:
    """Writes beside ``path`` and renames at the end; on any exception nothing of it remains.

    A name that ends in .gz or .zst is compressed; folders on the way are made. OutputError when the folder
    or disk refuses, or when something other than an ordinary file stands there (a rename would take the place
    of a device or pipe).
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if path.exists() and not path.is_file():
            raise OutputError(
                f"{path}: is not an ordinary file; name a new file, or one that may be replaced"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(beside, flags, 0o640), "wb") as raw, _compressed(raw, path.suffix) as out:
            yield out
        beside.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}); check the folder and its space") from error
    finally:
        # After the rename there is nothing left to remove.
        with suppress(OSError):
            beside.unlink()


@contextmanager
def _compressed(raw: BinaryIO, suffix: str) -> Iterator[Sink]:
    if suffix == ".gz":
        # No name and no time inside: the same traffic makes the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=5, mtime=0) as out:
            yield out
    elif suffix == ".zst":
        with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as writer:
            yield writer
    else:
        yield raw
