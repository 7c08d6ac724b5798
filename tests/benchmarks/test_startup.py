"""The start of a run is measured as a whole process; how long it takes is never tested."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import startup
from tests.builders import tiny_bundle


def test_it_measures_help_and_a_small_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tiny_bundle(tmp_path / "tiny"))
    assert startup.main(["--connections", "50", "--repeat", "1", "--model", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["connections"] == 50
    assert 0 < found["help_s"] < found["score_s"]
    assert not set(found["imported"]) & {"torch", "pandas", "numba"}, (
        "zeekml score --help is to start at once"
    )


def test_imports_are_seen() -> None:
    assert startup.imported_by([sys.executable, "-c", "import numpy"]) == ["numpy"]
    assert startup.imported_by([sys.executable, "-c", "pass"]) == []
