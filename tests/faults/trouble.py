"""Commands in processes that did something to themselves before."""

from __future__ import annotations

import subprocess
import sys

from tests.faults.watching import ROOT


def run_after(first: str, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process that ran the Python code ``first`` before; ``os`` and ``sys`` are imported."""
    code = f"import os, sys\n{first}\nos.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, check=False)
