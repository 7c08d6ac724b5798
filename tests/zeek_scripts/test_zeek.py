"""The package under a real Zeek: btest, where zeek and btest are on the PATH."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "zeek-scripts"


def test_the_btests_pass(tmp_path: Path) -> None:
    for program in ("zeek", "btest"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on the PATH: the Zeek scripts were not run, only parsed")
    shutil.copytree(PACKAGE, tmp_path / "package")
    done = subprocess.run(
        ["btest", "-d", "-c", "btest.cfg"],  # noqa: S607  the one on the PATH is meant
        cwd=tmp_path / "package" / "tests",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
