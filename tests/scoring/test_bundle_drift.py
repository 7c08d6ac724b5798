"""What a bundle holds to tell drift by: it loads as it was saved, and anything wrong is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import Floats, small_encoding, tiny_bundle
from tests.scoring.test_bundle import refusal
from zeekml.features import LAYOUT
from zeekml.scoring import load_bundle


def drift_arrays(bins: int | None = None) -> dict[str, Floats]:
    """What drift is told by: everything in the first bin."""
    shares = np.zeros((2, len(LAYOUT.features), (bins or small_encoding().bins) + 3), np.float32)
    shares[:, :, 1] = 1
    return {"drift.shares": shares, "drift.near": np.array([0.1, 0.2], np.float32)}


def test_what_drift_is_told_by_loads_as_it_was_saved(tiny_folder: Path, tmp_path: Path) -> None:
    assert load_bundle(tiny_folder).drift is None
    held = drift_arrays()
    found = load_bundle(tiny_bundle(tmp_path / "told", arrays=held)).drift
    assert found is not None
    np.testing.assert_array_equal(found.shares, held["drift.shares"])
    np.testing.assert_array_equal(found.near, held["drift.near"])
    np.testing.assert_array_equal(found.bins.edges, small_encoding().edges)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"drift.near": None}, "drift.near: found nothing"),
        ({"drift.shares": None}, "drift.shares: found nothing"),
        ({"drift.near": np.zeros(3, np.float32)}, "drift.near: found shape (3,)"),
        (drift_arrays(30), "drift.shares: found shape"),
        (
            {"drift.near": np.array([0.1, 1.5], np.float32)},
            "drift.near: found 1.5, expected shares between 0 and 1",
        ),
        ({"drift.shares": drift_arrays()["drift.shares"] * 0.5}, "shares of duration that sum to 0.5"),
        ({"drift.shares": drift_arrays()["drift.shares"] - 0.25}, "drift.shares: found -0.25"),
    ],
)
def test_what_drift_is_told_by_is_checked(
    tmp_path: Path, change: dict[str, Floats | None], expected: str
) -> None:
    assert expected in refusal(tiny_bundle(tmp_path / "told", arrays=drift_arrays() | change))
