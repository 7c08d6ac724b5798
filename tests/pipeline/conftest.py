"""What tests of a watch share."""

from __future__ import annotations

import itertools

import pytest

from tests.pipeline.live_parts import watch_once
from tests.pipeline.undisturbed import FRAMES, SETTINGS, Records, outputs_of
from zeekml.pipeline import live


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps follow each other at once, and every third turn or so is a checkpoint."""
    monkeypatch.setattr(live, "PACE", 0.0)
    monkeypatch.setattr("zeekml.pipeline.checkpoints.LARGEST_JOURNAL", 12_000)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What one run writes that nothing disturbs, in one step."""
    folder = tmp_path_factory.mktemp("undisturbed")
    watch_once(FRAMES, itertools.repeat(1000), folder, SETTINGS)
    found = Records(outputs_of(folder))
    assert all(found.values())
    return found
