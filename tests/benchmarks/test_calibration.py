"""Each way of calibration learns what it can, none sees the groups that it is asked of, and all are printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import calibration
from benchmarks.calibration import WAYS, Score, errors
from zeekml.evaluation.truth import default_recipe
from zeekml.training import load_recipe
from zeekml.training.outoffold import Measured, OutOfFold

RNG = np.random.default_rng(5)
N = 20_000
ODDS = RNG.normal(size=N) * 2
BAD = RNG.random(N) < 1 / (1 + np.exp(-ODDS))
PROTOCOL = np.where(RNG.random(N) < 0.5, "tcp", "udp").astype(object)
GROUP = np.array([f"g{number}" for number in range(10)], dtype=object)[np.arange(N) % 10]
PART = np.arange(N) % 5


@pytest.mark.parametrize("name", WAYS)
def test_every_way_learns_odds_that_are_off(name: str) -> None:
    fitted, others = errors(WAYS[name], ODDS * 0.5 + 1, PROTOCOL, BAD, GROUP, PART)
    assert fitted < 0.02
    assert others < 0.03


def test_a_line_for_each_protocol_tells_them_apart() -> None:
    off = ODDS + np.where(PROTOCOL == "tcp", 2.0, -2.0)
    apart = errors(WAYS["a line for each protocol"], off, PROTOCOL, BAD, GROUP, PART)
    together = errors(WAYS["line of 12 bins (shipped)"], off, PROTOCOL, BAD, GROUP, PART)
    score = WAYS["a line for each protocol"](off, PROTOCOL, BAD)(
        np.zeros(2), np.array(["tcp", "udp"], dtype=object)
    )
    assert max(apart) < 0.03
    assert max(together) < 0.03  # right in the mean all the same, so the error does not show it
    assert score[0] < 0.2
    assert score[1] > 0.8


def test_a_part_is_calibrated_without_its_groups() -> None:
    sizes = []

    def way(odds: calibration.Floats, _: object, bad: calibration.Bools) -> Score:
        sizes.append(len(odds))
        return lambda values, _: np.full(len(values), bad.mean())

    where = GROUP == "g0"
    bad = where.copy()
    fitted, others = errors(way, ODDS, PROTOCOL, bad, GROUP, PART)
    assert sizes == [N] + [N * 8 // 10] * 5
    assert fitted == pytest.approx(0, abs=1e-9)
    # The part of g0 holds malicious rows for half and was told of none; the others were told of one in eight.
    assert others == pytest.approx((0.5 + 4 * 0.125) / 5, abs=1e-9)


def test_prints_every_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    recipe = load_recipe(default_recipe())
    rows = pd.DataFrame({"label": BAD.astype(int), "kind": "clean", "of_bot": False, "group": GROUP})
    rows.loc[:99, "label"] = -1
    logits = np.stack([np.zeros(N), ODDS], axis=1).astype(np.float32)
    found = OutOfFold(recipe.seed, rows, PART, logits, ODDS, ODDS)
    monkeypatch.setattr(calibration, "load_captures", lambda *_: [])
    monkeypatch.setattr(calibration, "out_of_fold", lambda *_: Measured((found,), (), 8))
    monkeypatch.setattr(calibration, "protocols", lambda *_: PROTOCOL)
    assert calibration.main(["--data", str(tmp_path), "--folds", str(tmp_path), "--seeds", "1"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in shown[2:]] == list(WAYS)
