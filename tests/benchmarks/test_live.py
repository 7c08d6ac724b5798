"""The benchmark of the live path runs and prints what its page says, on a few connections."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import live
from tests.builders import tiny_bundle

COSTS = r"processor +[\d.]+ cores\nmemory, by quarters +(\d+ ){4}MiB\nmemory, peak +\d+ MiB\n"
KINDS = {
    "soak": (
        ["--rate", "300", "--seconds", "1", "--lead-in", "200"],
        r"connections a second +\d+ for 1 s, after 201 others\n(lag, \w+ +[\d.]+ s\n){3}" + COSTS,
    ),
    "idle": (
        ["--lines", "2", "--quiet", "0.01"],
        r"a line on an idle sensor: median \d+ ms of 2, most \d+ ms\n" + COSTS,
    ),
    "quiet": (["--seconds", "0.3"], r"quiet for +0 s\n" + COSTS),
    "burst": (
        ["--connections", "500"],
        r"caught up +[\d.]+ s: [\d,]+ connections a second\n"
        + COSTS
        + r"in batch +[\d.]+ s, the process from start to exit\n",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_measures_and_prints(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options, expected = KINDS[kind]
    model = tiny_bundle(tmp_path / "model")
    assert live.main(["--dir", str(tmp_path), "--model", str(model), kind, *options]) == 0
    assert re.fullmatch(expected, capsys.readouterr().out)
