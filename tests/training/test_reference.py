"""What a bundle keeps of its training connections."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import matrix_of, random_log, small_encoding
from zeekml.drift.bins import Bins
from zeekml.training.recipe import FitPart
from zeekml.training.reference import near_shares, training_reference
from zeekml.training.samples import Sequences

NONE_NEAR = {"benign": 0.0, "malicious": 0.0}


def sequences(labels: np.ndarray, capture: np.ndarray | None = None) -> Sequences:
    features = matrix_of(random_log(3, len(labels)))
    held = np.zeros(len(labels), dtype=np.int64) if capture is None else capture
    return Sequences(features, labels, held, np.array([0]), np.zeros(len(labels), bool))


def test_benign_and_malicious_rows_are_apart_and_context_is_left_out() -> None:
    labels = np.repeat([0, 1, -1], [50, 30, 20])
    given = sequences(labels)
    encoding = small_encoding()
    found = training_reference(encoding, given, FitPart(), {"benign": 0.25, "malicious": 0.5})
    bins = Bins.of(encoding)
    for shares, rows in zip(found.shares, (labels == 0, labels == 1), strict=True):
        expected = bins.count(given.features[rows])
        np.testing.assert_allclose(shares, expected / expected.sum(axis=1, keepdims=True), rtol=1e-5)
    assert found.near.tolist() == [0.25, 0.5]
    assert found.shares.dtype == found.near.dtype == np.float32


def test_captures_count_as_they_do_in_the_loss() -> None:
    """A capture of 90 connections weighs three times one of 10, not nine times."""
    capture = np.repeat([0, 1], [90, 10])
    given = sequences(np.zeros(100, dtype=np.int64), capture)
    at = 5
    given.features[:, at] = np.where(capture == 0, -1e6, 1e6)
    found = training_reference(small_encoding(), given, FitPart(capture_power=0.5), NONE_NEAR)
    assert found.shares[0, at, 1] == pytest.approx(0.75)
    assert found.shares[0, at, -1] == pytest.approx(0.25)


def test_clean_logs_alone_are_all_that_is_expected() -> None:
    found = training_reference(
        small_encoding(), sequences(np.zeros(40, dtype=np.int64)), FitPart(), NONE_NEAR
    )
    np.testing.assert_array_equal(found.shares[0], found.shares[1])


def test_the_share_of_held_out_scores_near_the_threshold() -> None:
    score = np.array([0.1, 0.5, 0.6, 0.9, 0.55])
    bad = np.array([False, False, False, True, True])
    assert near_shares(score, bad, 0.5) == {"benign": pytest.approx(2 / 3), "malicious": 0.5}
    assert near_shares(score[:3], bad[:3], 0.5)["malicious"] == 0.0
