"""Figures of a confusion matrix, held against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from zeekml.comparison.measure import confusion, figures


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=30))
def test_figures_are_those_of_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    label, predicted, times = (np.array(column) for column in zip(*rows, strict=True))
    found = figures(confusion(np.eye(4)[label] * times[:, None], predicted))
    truth, guess = np.repeat(label, times), np.repeat(predicted, times)
    held = sorted(set(truth.tolist()))
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    for average, name in (("macro", "macro_f1"), ("weighted", "weighted_f1")):
        assert found[name] == pytest.approx(
            f1_score(truth, guess, labels=held, average=average, zero_division=0)
        )
    assert [math.isnan(found[f"f1_{c}"]) for c in range(4)] == [c not in held for c in range(4)]
