"""The start of a run is measured as a whole process; how long it takes is never tested."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks import startup
from benchmarks.processes import ROOT, Run, run
from tests.builders import tiny_bundle
from zeekml.compiled import store


@pytest.fixture
def firsts(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The commands that were run as for the first time; here they find the kernels that there are, and take little."""
    found: list[Sequence[str]] = []

    def compiled_before(
        command: Sequence[str], root: Path = ROOT, variables: Mapping[str, str] | None = None
    ) -> Run:
        if variables:
            folder = Path(variables[store.FOLDER])
            assert not folder.exists(), "a first run is to find no kernels"
            found.append(command)
        return run(command, root)

    monkeypatch.setattr(startup, "run", compiled_before)
    return found


def test_it_measures_help_and_a_small_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], firsts: list[Sequence[str]]
) -> None:
    model = str(tiny_bundle(tmp_path / "tiny"))
    assert startup.main(["--connections", "50", "--repeat", "1", "--model", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["connections"] == 50
    assert 0 < found["help_s"] < found["score_s"]
    assert not set(found["imported"]) & {"torch", "pandas", "numba"}, (
        "zeekml score --help is to start at once"
    )
    assert min(found[f"first_{name}"] for name in ("s", "cpu_s", "mib")) > 0
    (first,) = firsts
    assert [part for part in first if part in {"score", "--help", "--model"}] == ["score", "--model"]


def test_the_first_run_is_printed_and_held_to_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = startup.Startup(0.1, 0.1, [], 1000, 0.3, 0.3, 139.0, 25.0, 40.0, 400.0)
    monkeypatch.setattr(startup, "measured", lambda *_: made)
    assert startup.main([]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "which compiles" in line)
    assert line.split()[-1] == "25.00"
    assert 25.0 not in [bar.value for bar in made.bars]


def test_what_is_run_may_be_given_variables() -> None:
    says = [sys.executable, "-c", "import os; print(os.environ['ZEEKML_CACHE_DIR'])"]
    assert run(says, variables={startup.KERNELS_IN: "here"}).said == "here\n"


def test_imports_are_seen() -> None:
    assert startup.imported_by([sys.executable, "-c", "import numpy"]) == ["numpy"]
    assert startup.imported_by([sys.executable, "-c", "pass"]) == []
