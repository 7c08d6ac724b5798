"""What others than Zeek do to its logs: gzip, logrotate, zeekctl's archiving, links that are switched."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import zstandard

from zeekml.records.rotation import rotation


def compress(path: Path, *, keep_time: bool = True, zst: bool = False) -> Path:
    """gzip(1) or zstd(1): a new file beside, then the old one is removed."""
    target = path.with_name(path.name + (".zst" if zst else ".gz"))
    state = path.stat()
    if zst:
        target.write_bytes(zstandard.ZstdCompressor(level=1).compress(path.read_bytes()))
    else:
        with path.open("rb") as source, gzip.open(target, "wb", compresslevel=1) as packed:
            shutil.copyfileobj(source, packed)
    if keep_time:
        os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))
    path.unlink()
    return target


def logrotate(path: Path, *, packed: bool = False, delayed: bool = False, create: bool = False) -> None:
    """Shift the numbers, rename the log to .1, and compress it, or with ``delayed`` the one before it."""
    if not path.exists():
        return
    _shift(path)
    path.rename(path.with_name(path.name + ".1"))
    if create:
        path.touch()
    if packed:
        due = path.with_name(path.name + (".2" if delayed else ".1"))
        if due.exists():
            compress(due)


def copytruncate(path: Path, *, packed: bool = False) -> None:
    """Copy the log to .1 and cut it to nothing under its writer."""
    if not path.exists():
        return
    _shift(path)
    copy = path.with_name(path.name + ".1")
    shutil.copyfile(path, copy)
    os.truncate(path, 0)
    if packed:
        compress(copy)


def archive(path: Path, folder: Path, first: str = "10:00:00", last: str = "11:00:00") -> Path:
    """zeekctl: compress a rotated log into a folder by date, then remove it."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{rotation(path.name).stem.removesuffix('.log')}.{first}-{last}.log.gz"
    with path.open("rb") as source, gzip.open(target, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(source, packed)
    path.unlink()
    return target


def switch(link: Path, target: Path) -> None:
    """Let a link lead elsewhere, at once."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.symlink_to(target)
    fresh.replace(link)


def _shift(path: Path) -> None:
    numbers = sorted(
        (int(one.name.removeprefix(path.name + ".").split(".")[0]), one)
        for one in path.parent.glob(path.name + ".[0-9]*")
    )
    for number, one in reversed(numbers):
        one.rename(one.with_name(one.name.replace(f"{path.name}.{number}", f"{path.name}.{number + 1}")))
