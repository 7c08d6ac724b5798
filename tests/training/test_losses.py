"""Losses: what they weigh, what they leave out, where they lead."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zeekml.training.captures import IGNORED
from zeekml.training.losses import class_loss, suspect_loss, teacher_loss


def logits_of(*odds: float) -> Tensor:
    """(1, L, 2) logits with these log odds of not Benign."""
    return torch.tensor([[[0.0, value] for value in odds]])


def test_the_class_loss_is_the_weighted_cross_entropy_of_counted_rows() -> None:
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
    label = torch.tensor([[0, 3, IGNORED], [2, IGNORED, 1]])
    weight = torch.tensor([[1.0, 0.5, 0.0], [2.0, 0.0, 0.5]])
    each = [
        float(weight[b, i] * F.cross_entropy(logits[b, i], label[b, i]))
        for b, i in ((0, 0), (0, 1), (1, 0), (1, 2))
    ]
    assert float(class_loss(logits, label, weight, 0, 0)) == pytest.approx(sum(each) / 4, rel=1e-5)


def test_with_a_focus_what_is_easy_counts_less() -> None:
    label, weight = torch.tensor([[1, 1]]), torch.ones(1, 2)
    logits = logits_of(3.0, -1.0)
    p = [1 / (1 + math.exp(-3)), 1 / (1 + math.e)]
    expected = sum((1 - x) ** 2 * -math.log(x) for x in p) / 2
    assert float(class_loss(logits, label, weight, 0, 2.0)) == pytest.approx(expected, rel=1e-5)


def test_a_row_that_is_surely_right_has_a_finite_slope_under_any_focus() -> None:
    logits = logits_of(200.0, 0.0).requires_grad_()
    class_loss(logits, torch.tensor([[1, 1]]), torch.ones(1, 2), 0.02, 0.5).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


def test_a_teacher_is_followed_least_costly_where_agreed_with() -> None:
    odds, weight = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 1.0]])
    agreed = teacher_loss(logits_of(2.0, -1.0), odds, weight)
    assert float(agreed) < float(teacher_loss(logits_of(1.0, -1.0), odds, weight))
    assert float(agreed) < float(teacher_loss(logits_of(3.0, -2.0), odds, weight))


def test_the_most_suspicious_tenth_speaks_for_a_host() -> None:
    odds = torch.linspace(-5, 4, 20).tolist()
    suspect = torch.ones(1, 20, dtype=torch.bool)
    speaks = sum(sorted(odds)[-2:]) / 2
    found = suspect_loss(logits_of(*odds), suspect)
    assert float(found) == pytest.approx(math.log1p(math.exp(-speaks)), rel=1e-5)


def test_only_suspect_rows_are_asked() -> None:
    logits = logits_of(9.0, -2.0, -3.0).requires_grad_()
    suspect = torch.tensor([[False, True, True]])
    loss = suspect_loss(logits, suspect)
    assert float(loss.detach()) == pytest.approx(math.log1p(math.exp(2)), rel=1e-5)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, :, 1].tolist() == [0, pytest.approx(-1 / (1 + math.exp(-2))), 0]
    assert float(suspect_loss(logits, torch.zeros(1, 3, dtype=torch.bool)).detach()) == 0
