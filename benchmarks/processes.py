"""Whole processes, measured by the kernel: wall time, processor time, peak resident memory.

This module imports neither numpy nor zeekml, and whoever measures should stay as small: the kernel counts the memory
of a parent at the moment of the fork as its child's (getrusage(2), ru_maxrss).
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KIB_PER_MIB = 1024
_MOST_SAID = 1 << 16


@dataclass(frozen=True)
class Run:
    """One finished process: seconds by the clock and of processor, peak resident MiB, and the end of what it said."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    said: str = ""


def run(command: Sequence[str], root: Path = ROOT, variables: Mapping[str, str] | None = None) -> Run:
    """Runs one process to its end, from the ``root`` of a checkout; exits with its words when it fails.

    ``variables`` are set in its environment besides.
    """
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        # From there, so that -m zeekml is the checkout's, installed or not.
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment() | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(max(said.seek(0, os.SEEK_END) - _MOST_SAID, 0))
        text = said.read().decode(errors="replace")
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}\nended with status {process.returncode}:\n{text[-4000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB_PER_MIB, text)


def environment() -> dict[str, str]:
    """The environment of what is measured: this one, but a checkout keeps its bytecode.

    Installed packages have theirs from pip, zeekml's peers and zeekml itself where it is installed; a checkout whose
    modules are translated anew by every process would be measured with half a second of that.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def zeekml(*arguments: str) -> list[str]:
    """A command line of the zeekml of the checkout that it is run from."""
    return [sys.executable, "-m", "zeekml", *arguments]


def script(name: str, *arguments: str) -> list[str]:
    """A command line of a script beside this one."""
    return [sys.executable, str(ROOT / "benchmarks" / name), *arguments]


def machine() -> dict[str, object]:
    """What the figures were measured on, without any name of it."""
    return {
        "processors": os.cpu_count(),
        "usable_processors": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of packages, without importing them; those that are not there are left out."""
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"
