"""The machine that a watch runs on."""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import resource
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from zeekml.operations.doctor.finding import Finding, ok, warning, wrong
from zeekml.operations.server import split_address
from zeekml.operations.status import Reading, read_watch

_NOT_BEFORE: Final = 1_735_689_600  # 2025-01-01; zeekml is younger
_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_ROOM_FOR_TIMEX: Final = 1024  # bytes; struct timex has 208
_FEW_FILES: Final = 256


def check_user() -> Finding:
    """Who runs this: permissions are looked at for this user."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = f"number {os.geteuid()}"
    if os.geteuid() == 0:
        return warning(
            "user: root, who may read and write everything",
            "run this, and the watch, as a user of its own: sudo -u zeekml zeekml doctor ...",
        )
    return ok(f"user: {name}")


def check_clock() -> Finding:
    """Whether the clock is set and kept."""
    if time.time() < _NOT_BEFORE:
        return wrong("clock: it is set to the past", "set it, and let chrony or systemd-timesyncd keep it")
    if _unsynchronised():
        return warning(
            "clock: it is not synchronised, as far as the kernel knows",
            "let chrony or systemd-timesyncd keep it: times of notices and of Zeek's logs come from clocks",
        )
    return ok("clock: set")


def _unsynchronised() -> bool:
    """What adjtimex(2) says, asked without changing anything; False where it may not be asked."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_ROOM_FOR_TIMEX))) == _TIME_ERROR
    except (OSError, AttributeError):
        return False


def check_files() -> Finding:
    """How many files a process may hold open."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most != resource.RLIM_INFINITY and most < _FEW_FILES:
        return warning(f"open files: {most} at most", "raise it: ulimit -n 1024, or LimitNOFILE in the unit")
    return ok("open files: enough may be open")


def check_inotify(folders: Sequence[Path]) -> Finding:
    """Whether the system tells of changes in these folders, tried with one watch on each."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        return _no_inotify(ctypes.get_errno(), "max_user_instances")
    try:
        for folder in {each for each in folders if os.path.isdir(each)}:  # noqa: PTH112
            if library.inotify_add_watch(descriptor, os.fsencode(folder), 0x2) < 0:  # IN_MODIFY
                return _no_inotify(ctypes.get_errno(), "max_user_watches")
    finally:
        os.close(descriptor)
    return ok("inotify: the system tells of changes")


def _no_inotify(code: int, limit: str) -> Finding:
    cure = "a watch looks at the logs every watch.poll seconds instead"
    if code in (errno.EMFILE, errno.ENOSPC):
        cure += f"; raise the limit: sysctl fs.inotify.{limit}=1024 or more, kept in /etc/sysctl.d"
    return warning(f"inotify: the system does not tell of changes: {os.strerror(code)}", cure)


def check_listen(listen: str) -> Finding:
    """Whether the metrics can be served, or already are."""
    if not listen:
        return warning(
            "metrics: none are served (metrics.listen is empty)", "zeekml status can say nothing then"
        )
    address = split_address(listen)
    reading = read_watch(listen)
    if isinstance(reading, Reading):
        well = "it is well" if not reading.problems else f"it says: {'; '.join(reading.problems)}"
        return (warning if reading.problems else _ok_with)(
            f"metrics: a watch runs and serves them on {listen}; {well}", "see its log"
        )
    try:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind(address)
    except OSError as error:
        return wrong(
            f"metrics: {listen} cannot be listened on: {error.strerror or error}",
            "give metrics.listen another address, or stop what listens there",
        )
    if not address[0].startswith("127.") and address[0] != "::1":
        return warning(
            f"metrics: {listen} is no loopback address: whoever reaches it can read them",
            "keep it on 127.0.0.1, or let a firewall or proxy stand before it",
        )
    return ok(f"metrics: {listen} is free")


def _ok_with(what: str, _cure: str) -> Finding:
    return ok(what)
