"""The benchmark of checkpoints measures what it says; how fast is never tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import state
from tests.builders import tiny_bundle
from zeekml.scoring import load_bundle


def test_it_fills_what_it_says(tmp_path: Path) -> None:
    scorer = state.filled(load_bundle(tiny_bundle(tmp_path / "tiny")), 30, 500)
    assert (scorer.hosts_held, scorer.pairs_held) == (30, 500)


def test_it_prints_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny_bundle(tmp_path / "tiny")
    (tmp_path / "disk").mkdir()
    state.main(["--hosts", "30", "--pairs", "500", "--model", str(folder), "--dir", str(tmp_path / "disk")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["export", "save", "load", "restore", "MiB"]
    assert list((tmp_path / "disk").iterdir()) == []
