"""Figures of connection verdicts against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.evaluation.figures import BINS, calibration, class_figures, curves

CLASSES = ("Benign", "PortScan", "C&C", "Spam")
LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
SCORED = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1) | st.sampled_from((0.0, 0.25, 0.5, 1.0))),
    min_size=2,
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(LABELS)
def test_classes_by_counting(pairs: list[tuple[int, int]]) -> None:
    truth, said = (np.array([pair[at] for pair in pairs]) for at in (0, 1))
    found = class_figures(truth, said, CLASSES)
    shown = sorted({*truth.tolist(), *said.tolist()})
    assert found["confusion"]["classes"] == [CLASSES[at] for at in shown]
    assert found["confusion"]["counts"] == [[pairs.count((a, b)) for b in shown] for a in shown]
    assert found["accuracy"] == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    means = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    weighted = dict(means)
    for at in shown:
        right = pairs.count((at, at))
        called, real = sum(b == at for _, b in pairs), sum(a == at for a, _ in pairs)
        each = found["classes"][CLASSES[at]]
        assert each["connections"] == real
        assert each["precision"] == (pytest.approx(right / called) if called else None)
        assert each["recall"] == (pytest.approx(right / real) if real else None)
        assert each["f1"] == pytest.approx(2 * right / (called + real))
        for name in means:
            means[name] += (each[name] or 0) / len(shown)
            weighted[name] += (each[name] or 0) * real / len(pairs)
    assert found["macro"] == pytest.approx(means)
    assert found["weighted"] == pytest.approx(weighted)


@settings(deadline=None, max_examples=150)
@given(SCORED)
def test_curves_hold_points_that_some_threshold_gives(pairs: list[tuple[bool, float]]) -> None:
    bad, score = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    found = curves(bad, score)
    if bad.all() or not bad.any():
        assert found == {"roc_auc": None, "roc": None, "pr": None}
        return
    cuts = [*np.unique(score), np.inf]
    roc = {((score[~bad] >= cut).mean(), (score[bad] >= cut).mean()) for cut in cuts}
    assert {(float(a), float(b)) for a, b in found["roc"]} <= {(float(a), float(b)) for a, b in roc}
    assert found["roc"][0] == [0, 0]
    assert found["roc"][-1] == [1, 1]
    pr = {((score[bad] >= cut).mean(), bad[score >= cut].mean()) for cut in cuts[:-1]} | {(0.0, 1.0)}
    for point in found["pr"]:
        assert any(point == pytest.approx(each) for each in pr)
    # The area: how often a malicious connection scores above a benign one, ties by half.
    above = (score[bad][:, None] > score[~bad]).mean() + (score[bad][:, None] == score[~bad]).mean() / 2
    assert found["roc_auc"] == pytest.approx(above)


def test_long_curves_are_thinned_out_where_no_eye_sees_it() -> None:
    rng = np.random.default_rng(1)
    bad = rng.random(50_000) < 0.3
    score = np.clip(rng.normal(np.where(bad, 0.6, 0.4), 0.15), 0, 1)
    found = curves(bad, score)
    assert len(found["roc"]) < 1500
    assert len(found["pr"]) < 1500
    wrong = np.array(found["roc"])[:, 0]
    assert (np.diff(wrong) >= 0).all()
    assert np.diff(wrong).max() < 3 / 256
    assert (wrong[wrong > 0] < 1e-3).sum() >= 10


@settings(deadline=None, max_examples=150)
@given(SCORED)
def test_calibration_by_its_definition(pairs: list[tuple[bool, float]]) -> None:
    bad, score = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    found = calibration(bad, score)
    error = 0.0
    for each in found["bins"]:
        low, high = each["from"], each["to"]
        inside = (score >= low) & ((score < high) | (high == 1))
        # A score on an edge can fall either way by rounding of score * bins.
        edge = np.isclose(score * BINS, np.round(score * BINS))
        if edge.any():
            continue
        assert each["connections"] == inside.sum()
        assert each["mean_score"] == pytest.approx(score[inside].mean())
        assert each["malicious_share"] == pytest.approx(bad[inside].mean())
    for each in found["bins"]:
        error += each["connections"] * abs(each["mean_score"] - each["malicious_share"]) / len(pairs)
    assert sum(each["connections"] for each in found["bins"]) == len(pairs)
    assert found["error"] == pytest.approx(error)


def test_nothing_to_measure() -> None:
    nothing = np.empty(0)
    assert class_figures(nothing.astype(int), nothing.astype(int), CLASSES)["accuracy"] is None
    assert curves(nothing.astype(bool), nothing)["roc"] is None
    assert calibration(nothing.astype(bool), nothing) == {"error": None, "bins": []}
