"""A snapshot: arrays and facts in one file that is either whole or refused, and never executed.

The file is ``zeekml snapshot 1`` and a newline, the length (64 bits, little-endian) of the safetensors file that
follows, that file, and the SHA-256 of all of this. In the safetensors file, ``.json`` (bytes) holds what is no
array: who made the snapshot, and the facts. A snapshot is written beside its place, synced and renamed into it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from zeekml.arrays import Arrays
from zeekml.errors import StateError
from zeekml.journal.journal import sync_folder
from zeekml.scoring.bundle import WEIGHTS, Bundle
from zeekml.sinks.folder import failures

_MAGIC = b"zeekml snapshot 1\n"
_LENGTH_BYTES = 8
_DIGEST_BYTES = 32
_JSON = ".json"
_MODE = 0o600  # it names people's machines, and nobody else has to read it
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PART = re.compile(r"\..+\.[0-9a-f]{16}\.part")
_WRITE_BYTES = 4 << 20  # a signal is waited for no longer than one write of so much
_SYNC_BYTES = 16 << 20  # and a save that is no longer wanted goes on for no more than this, on whatever disk

_DTYPES = {
    np.dtype(kind): name
    for kind, name in (
        (np.bool_, "BOOL"), (np.uint8, "U8"), (np.int32, "I32"), (np.uint32, "U32"), (np.int64, "I64"),
        (np.uint64, "U64"), (np.float32, "F32"), (np.float64, "F64"),
    )
}  # fmt: skip
"""The names that safetensors has for dtypes."""


@dataclass(frozen=True, slots=True)
class Maker:
    """What state belongs to: the model and the features that it was made with. Another model cannot go on from it."""

    model: str
    model_version: str
    weights: str
    layout: str
    classes: tuple[str, ...]

    @classmethod
    def of(cls, bundle: Bundle) -> Maker:
        """What state made with this bundle belongs to; ``weights`` and ``layout`` are SHA-256."""
        manifest = bundle.manifest
        return cls(
            manifest.name, manifest.version, manifest.files[WEIGHTS], manifest.layout.digest, manifest.classes
        )

    def __str__(self) -> str:
        return f"model {self.model} {self.model_version} (weights {self.weights[:12]}, features {self.layout[:12]})"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What was saved: arrays by name, and facts as JSON has them."""

    arrays: Arrays
    facts: dict[str, Any]


class Abandoned(Exception):  # noqa: N818  no error: it was asked for
    """A snapshot was no longer wanted while it was being written; nothing is left of it."""


def save_snapshot(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    facts: Mapping[str, Any],
    maker: Maker,
    *,
    is_wanted: Callable[[], bool] = lambda: True,
) -> int:
    """Put a snapshot in the place of ``path``, whole and on the disk before this returns; gives its bytes.

    ``is_wanted`` is asked from time to time, and last before the snapshot takes its place. Raises Abandoned when it
    says no, and OutputError when it cannot be written: then the former snapshot still stands, and nothing is left
    behind.
    """
    about = json.dumps({"maker": asdict(maker), "facts": facts}, allow_nan=False).encode()
    content = {_JSON: np.frombuffer(about, dtype=np.uint8), **arrays}
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with failures(path):
        try:
            with FileIO(os.open(part, _CREATE, _MODE), "wb") as file:
                _write(file, content, is_wanted)
                os.fsync(file.fileno())
                size = file.tell()
            if not is_wanted():
                raise Abandoned
            part.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        sync_folder(path.parent)
    return size


def load_snapshot(path: Path, maker: Maker) -> Snapshot | None:
    """The snapshot at ``path``, None where there is no such file.

    Raises StateError when it is damaged, cannot be read, or was not made by ``maker``.
    """
    try:
        with FileIO(os.open(path, _OPEN), "rb") as file:
            payload = _checked_payload(file, path)
        arrays = safetensors.numpy.load(payload)
        about = json.loads(arrays.pop(_JSON).tobytes())
        made_by = Maker(**{**about["maker"], "classes": tuple(about["maker"]["classes"])})
        facts = about["facts"]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(
            f"{path}: the snapshot cannot be read: {error.strerror or error}. Check its owner and mode."
        ) from error
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"its content is not what a snapshot holds ({error})") from error
    if made_by != maker:
        raise StateError(
            f"{path}: the snapshot was made with {made_by}, this run has {maker}: run with the model that it was made "
            "with, or begin with a new state folder"
        )
    return Snapshot(arrays, facts)


def sweep_parts(folder: Path) -> None:
    """Remove what a save that was killed left in a folder that nobody else writes to now. Raises OutputError."""
    with failures(folder):
        for entry in folder.iterdir():
            if _PART.fullmatch(entry.name):
                entry.unlink(missing_ok=True)


def _write(file: FileIO, content: Mapping[str, NDArray[Any]], is_wanted: Callable[[], bool]) -> None:
    """The arrays go to the file from where they lie: a state of some hundred megabytes is not copied."""
    # The widest first, so that every array is aligned in the file.
    ordered = sorted(content.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    header, at = {}, 0
    for name, array in ordered:
        header[name] = {
            "dtype": _DTYPES[array.dtype],
            "shape": array.shape,
            "data_offsets": (at, at + array.nbytes),
        }
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    length = _LENGTH_BYTES + len(text) + at
    start = _MAGIC + length.to_bytes(_LENGTH_BYTES, "little") + len(text).to_bytes(_LENGTH_BYTES, "little")
    digest = hashlib.sha256()
    pieces: list[bytes | memoryview] = [start + text]
    pieces += [np.ravel(array).view(np.uint8).data for _, array in ordered]
    for piece in pieces:
        digest.update(piece)
        _write_all(file, piece, is_wanted)
    _write_all(file, digest.digest(), is_wanted)


def _write_all(file: FileIO, data: bytes | memoryview, is_wanted: Callable[[], bool]) -> None:
    view = memoryview(data)
    while view:
        if not is_wanted():
            raise Abandoned
        at = file.tell()
        written = file.write(view[:_WRITE_BYTES])
        view = view[written:]
        if at // _SYNC_BYTES != (at + written) // _SYNC_BYTES:
            os.fdatasync(file.fileno())


def _checked_payload(file: FileIO, path: Path) -> bytes:
    """The safetensors part of a file whose length and digest are right."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise _damaged(path, "it is no file")
    start = file.read(len(_MAGIC) + _LENGTH_BYTES)
    if not start.startswith(_MAGIC):
        raise _damaged(path, f"it does not begin with {_MAGIC.decode().strip()!r}, so another zeekml made it")
    length = int.from_bytes(start[len(_MAGIC) :], "little")
    expected = len(_MAGIC) + _LENGTH_BYTES + length + _DIGEST_BYTES
    if found.st_size != expected:
        raise _damaged(path, f"it has {found.st_size} bytes where {expected} were written")
    payload = _read_all(file, length)
    digest = hashlib.sha256(start)
    digest.update(payload)
    if digest.digest() != _read_all(file, _DIGEST_BYTES):
        raise _damaged(path, "its checksum is wrong")
    return payload


def _read_all(file: FileIO, length: int) -> bytes:
    pieces = []
    while length:
        piece = file.read(length)
        if not piece:
            break  # it was cut meanwhile: the checksum says so
        pieces.append(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _damaged(path: Path, why: str) -> StateError:
    return StateError(
        f"{path}: the snapshot cannot be used: {why}. Put a copy back, or begin with a new state folder."
    )
