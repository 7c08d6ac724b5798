"""What the doctor says of a state folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zeekml.journal.snapshot import Maker, save_snapshot
from zeekml.operations.doctor.finding import Level
from zeekml.operations.doctor.state import check_state
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, load_bundle


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(DEFAULT_MODEL)


def save(folder: Path, maker: Maker) -> Path:
    path = folder / "snapshot.00000001"
    save_snapshot(path, {"a": np.zeros(3)}, {"positions": {"conn.log": {}}}, maker)
    return path


def test_a_whole_state_is_well_and_stays_as_it_is(tmp_path: Path, bundle: Bundle) -> None:
    before = save(tmp_path, Maker.of(bundle)).read_bytes()
    told = check_state(tmp_path, bundle)
    assert told.level is Level.OK
    assert "its place in 1 logs" in told.what
    assert (tmp_path / "snapshot.00000001").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_no_state_is_well(tmp_path: Path, bundle: Bundle) -> None:
    assert "none yet" in check_state(tmp_path / "none", bundle).what


def test_the_state_of_another_model_is_wrong(tmp_path: Path, bundle: Bundle) -> None:
    save(tmp_path, replace(Maker.of(bundle), model="other"))
    told = check_state(tmp_path, bundle)
    assert told.level is Level.WRONG
    assert "made with model other" in told.what


def test_a_damaged_state_is_wrong(tmp_path: Path, bundle: Bundle) -> None:
    path = save(tmp_path, Maker.of(bundle))
    path.write_bytes(path.read_bytes()[:-1])
    assert check_state(tmp_path, bundle).level is Level.WRONG
