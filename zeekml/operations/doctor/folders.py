"""The folders that a watch writes to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from zeekml.operations.doctor.finding import Finding, ok, warning, wrong
from zeekml.operations.health import free_bytes

_COMFORTABLE: Final = 1 << 30  # bytes; less is worth a word
_FLEETING: Final = frozenset({"tmpfs", "ramfs"})
_REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "glusterfs"})


def check_folder(kind: str, folder: Path, min_free: int, *, lasting: bool = False) -> Iterator[Finding]:
    """Whether files can be made in the folder, and how much room it has.

    ``lasting``: what is in it must outlive a restart of the machine. ``min_free``: bytes.
    """
    # These of os.path say no, where pathlib's raise, below a folder that may not be entered.
    if os.path.exists(folder) and not os.path.isdir(folder):  # noqa: PTH110, PTH112
        yield wrong(f"{kind}: {folder} is a file", "name a folder, or move the file away")
        return
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.isdir(each))  # noqa: PTH112
    problem = _writable(there)
    if problem is not None:
        yield wrong(
            f"{kind}: no file can be made in {there}: {problem}",
            f"make {folder} for the user that the watch runs as: install -d -o zeekml -g zeekml -m 0750 {folder}",
        )
        return
    yield ok(f"{kind}: {folder} can be written" + ("" if there == folder else "; it will be made"))
    free = free_bytes(there)
    if free < max(min_free, 1):
        yield wrong(f"{kind}: the disk of {there} is full: {free >> 20:,} MiB are left", "free some space")
    elif free < _COMFORTABLE:
        yield warning(f"{kind}: {free >> 20:,} MiB are left on the disk of {there}", "free some space")
    else:
        yield ok(f"{kind}: {free / (1 << 30):,.1f} GiB are left on the disk of {there}")
    system = file_system(there)
    if lasting and system in _FLEETING:
        yield warning(
            f"{kind}: {there} lies in memory ({system}): after a restart of the machine it is gone",
            "name a folder on a disk",
        )
    elif system in _REMOTE:
        yield warning(
            f"{kind}: {there} lies on another machine ({system}); what is synced there may not be on a disk",
            "name a folder on a disk of this machine",
        )


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that holds a path, such as ext4 or nfs4; "" where it is not known."""
    best, kind = "", ""
    target = os.path.realpath(path)
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 4 and after:
            point = fields[4].encode().decode("unicode_escape")
            inside = point in ("/", target) or target.startswith(point + "/")
            if inside and len(point) >= len(best):
                best, kind = point, after.split()[0]
    return kind


def _writable(folder: Path) -> str | None:
    """Why no file can be made in the folder; None: one was made, and is gone again."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"zeekml")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None
