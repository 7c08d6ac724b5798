"""Runs a command where the system is as scarce as a test needs it, for it alone: a small disk, no file events.

User namespaces make it possible without being root. Where the kernel or a container forbids them, such tests are
skipped and say so.
"""

from __future__ import annotations

import subprocess

import pytest

_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def within(setup: str, command: list[str]) -> list[str]:
    """``command`` after the shell commands ``setup``, in namespaces of its own; it keeps the process id."""
    return [*_UNSHARE, "sh", "-c", f'{setup} && exec "$@"', "sh", *command]


def need(setup: str) -> None:
    """Skip the test where ``setup`` is not allowed."""
    try:
        tried = subprocess.run(within(setup, ["true"]), capture_output=True, text=True, check=False)
        why = tried.stderr.strip()
    except FileNotFoundError:
        tried, why = None, "there is no unshare(1)"
    if tried is None or tried.returncode:
        pytest.skip(f"needs user namespaces, which are not to be had here: {why}")
