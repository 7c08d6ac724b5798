"""Fitting: learns from weighted soft labels, keeps a late good epoch, repeats itself; draws are fair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from zeekml.comparison.fit import Training, _Draws, class_weights, fit, kept_epoch, predict
from zeekml.comparison.flow import ABLATIONS, RES, FlowNetwork, make
from zeekml.comparison.settings import NETWORK_NAMES, Settings

SETTINGS = Settings(
    patch=1, width=16, depth=2, kernel=3, dropout=0.1, rate=0.01, weight_decay=0.0, class_power=1.0
)
HOW = Training(epochs=12, batch=16, rate=0.01, weight_decay=0.0, class_power=1.0)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def made(name: str = RES) -> FlowNetwork:
    return make(name, steps=4, channels=3, classes=2, settings=SETTINGS)


def rows(count: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The class is whether the first step's first channel is the larger one."""
    rng = np.random.default_rng(seed)
    x = rng.random((count, 4, 3)).astype(np.float32)
    label = (x[:, 0, 0] > x[:, 1, 1]).astype(int)
    return x, np.eye(2)[label] * rng.integers(1, 20, count)[:, None]


@pytest.mark.parametrize("name", [*NETWORK_NAMES, *ABLATIONS])
def test_every_network_learns(name: str) -> None:
    fitted = fit(lambda: made(name), rows(400), rows(100, 1), replace(HOW, epochs=20), 0)
    assert fitted.epochs[-1].validation_accuracy > 0.85
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss
    assert len(fitted.epochs) == 20


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    logits = [predict(fit(made, rows(), rows(40, 1), HOW, seed).network, rows()[0]) for seed in (0, 0, 1)]
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_a_row_with_two_labels_gets_their_shares() -> None:
    x = np.ones((64, 4, 3), dtype=np.float32)
    counts = np.tile([[3.0, 1.0]], (64, 1))
    fitted = fit(made, (x, counts), (x, counts), replace(HOW, epochs=30), 0)
    odds = predict(fitted.network, x[:1])[0]
    share = np.exp(odds[1]) / np.exp(odds).sum()
    assert share == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("values", "kept"), [([0.5, 0.7, 0.6], 2), ([0.5, 0.7, 0.695], 3), ([0.9], 1), ([0.7, 0.2, 0.7], 3)]
)
def test_the_last_epoch_near_the_best_is_kept(values: list[float], kept: int) -> None:
    assert kept_epoch(values) == kept


def test_class_weights_even_classes_out_by_their_power() -> None:
    counts = np.array([[90.0, 0.0, 0.0], [0.0, 10.0, 0.0]])
    assert class_weights(counts, 1.0).tolist() == [1, 1, 0]
    even = class_weights(counts, 0.0)
    assert even[0] * 90 == pytest.approx(even[1] * 10)
    assert (class_weights(counts, 0.5) * [90, 10, 0]).sum() == pytest.approx(100)


@given(st.lists(st.floats(0.1, 1e5), min_size=1, max_size=40), st.integers(0, 99))
def test_draws_weigh_rows_right_on_average(weights: list[float], seed: int) -> None:
    wanted = np.array(weights)
    draws = _Draws(wanted[:, None])
    rng = np.random.default_rng(seed)
    drawn = np.zeros(len(wanted))
    for _ in range(300):
        for indices, scale in draws.epoch(rng, 8):
            np.add.at(drawn, indices, scale)
    # Every row adds up to one an epoch, however often it is drawn; light rows scatter most.
    expected = np.sqrt(wanted) * len(wanted) / np.sqrt(wanted).sum()
    assert np.abs(drawn / 300 - 1).max() < 6 / np.sqrt(300 * expected.min()) + 1e-6


def test_ablations_take_away_what_they_say() -> None:
    def kinds(network: nn.Module) -> set[str]:
        return {type(module).__name__ for module in network.modules()}

    assert "ResidualConv" not in kinds(made("without CNN branch"))
    assert "ResidualLSTM" not in kinds(made("without LSTM branch"))
    assert {"ResidualConv", "ResidualLSTM"} <= kinds(made("in series"))
    assert len(made("in series").network._branches) == 1
    assert len(made(RES).network._branches) == 2
    # Without shortcuts, blocks of zero weights let nothing through.
    for name, silent in ((RES, False), ("without shortcuts", True)):
        network = made(name).network.eval()
        for block in network.layers:
            for part, parameter in block.named_parameters():
                if "norm" not in part:
                    nn.init.zeros_(parameter)
        x = torch.randn(2, 4, 16)
        out = network.body(x, network.initial(2))[0]
        assert bool((out == 0).all()) == silent
