"""Where machine code is kept: beside the package, else in the user's cache folder.

Whoever can write into that folder can run code as whoever scores. So what is found there is taken only if it belongs to
this user or to root, nobody else may write to it, and its hash is right.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from functools import cache
from pathlib import Path
from typing import Final

import orjson

FOLDER: Final = "ZEEKML_CACHE_DIR"
"""Environment variable that names the folder instead."""

_NAME: Final = "machine-code"
_MOST: Final = 16 << 20  # bytes of one kernel: far more than any has


def read(name: str, key: str) -> tuple[str, bytes] | None:
    """The entry point and the object code of a kernel; None where it is not there or not to be trusted."""
    for folder in folders():
        try:
            descriptor = os.open(folder / f"{name}.{key[:24]}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not stat.S_ISREG(found.st_mode) or others or found.st_uid not in (0, os.geteuid()):
                continue
            content = file.read(_MOST)
        if (known := _opened(content, key)) is not None:
            return known
    return None


def write(name: str, key: str, entry: str, code: bytes) -> None:
    """Keep a kernel where it can be kept, whole or not at all; where it cannot, it is made anew in every process."""
    import tempfile  # noqa: PLC0415 - seldom needed, and it brings random numbers

    head = orjson.dumps({"key": key, "entry": entry, "sha256": hashlib.sha256(code).hexdigest()})
    for folder in folders():
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            descriptor, part = tempfile.mkstemp(prefix=".part-", dir=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(head + b"\n" + code)
                Path(part).chmod(0o644)
                Path(part).replace(folder / f"{name}.{key[:24]}")
            except OSError:
                Path(part).unlink(missing_ok=True)
                raise
            return


@cache
def folders() -> tuple[Path, ...]:
    """The folders that are tried, in order."""
    if named := os.environ.get(FOLDER):
        return (Path(named) / _NAME,)
    package = Path(__file__).resolve().parent.parent / "__pycache__"
    user = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return package / _NAME, Path(user) / "zeekml" / _NAME


def _opened(content: bytes, key: str) -> tuple[str, bytes] | None:
    head, _, code = content.partition(b"\n")
    try:
        told = orjson.loads(head)
        fits = told["key"] == key and told["sha256"] == hashlib.sha256(code).hexdigest()
        return (str(told["entry"]), code) if fits else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
