"""Further training: the parent's verdicts and weights hold the network, and the site has its share of the loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.builders import small_encoding, small_network, tiny_bundle
from tests.training.data import recipe_file
from zeekml.scoring import load_bundle
from zeekml.training.recipe import FitPart, load_recipe
from zeekml.training.samples import Sequences
from zeekml.tuning.fit import Further, Held, recipe_of, site_weights


def batch(network: torch.nn.Module, channels: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a network sees and says, and labels by which it is right in every row."""
    torch.manual_seed(0)
    x = torch.rand(4, 6, channels)
    with torch.no_grad():
        logits = network(x)
    return x, logits, (logits.softmax(dim=-1)[..., 0] < 0.5).long()


def test_at_the_start_nothing_is_added_to_the_loss() -> None:
    encoding = small_encoding()
    network = small_network(encoding)
    x, logits, label = batch(network, encoding.channels)
    held = Held(small_network(encoding), keep=1.0, pull=1.0).held(network, x, logits, label, torch.ones(4, 6))
    assert float(held.detach()) == pytest.approx(0, abs=1e-6)


def test_only_rows_that_the_parent_judges_rightly_are_kept() -> None:
    encoding = small_encoding()
    network = small_network(encoding)
    x, logits, label = batch(network, encoding.channels)
    start = Held(network, keep=1.0, pull=0.0)
    other = logits + torch.tensor([1.5, 0.0, -1.0])
    weight = torch.ones(4, 6)

    def held(labels: torch.Tensor) -> float:
        return float(start.held(network, x, other, labels, weight).detach())

    assert held(label) > 0.01
    assert held(1 - label) == 0
    assert held(torch.full_like(label, -1)) == 0


def test_the_pull_grows_with_the_square_of_the_distance() -> None:
    encoding = small_encoding()
    parent, network = small_network(encoding), small_network(encoding)
    x, _, label = batch(parent, encoding.channels)
    start = Held(parent, keep=0.0, pull=0.5)
    with torch.no_grad():
        next(network.parameters()).add_(0.1)
    moved = next(network.parameters()).numel() * 0.01
    held = start.held(network, x, network(x), label, torch.ones(4, 6))
    assert float(held.detach()) == pytest.approx(0.5 * moved, rel=1e-4)


def test_the_site_makes_its_share_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    capture = np.repeat([0, 1, 2], [300, 500, 40])
    labels = np.where(capture == 1, 1, np.where(rng.random(840) < 0.1, -1, 0))
    features, starts = np.zeros((840, 3), dtype=np.float32), np.array([0, 300, 800])
    sequences = Sequences(features, labels, capture, starts, np.zeros(840, bool))
    weight = site_weights(sequences, FitPart(), range(2, 3), 0.3)
    assert weight[capture == 2].sum() / weight.sum() == pytest.approx(0.3, abs=1e-5)
    assert weight[labels >= 0].mean() == pytest.approx(1, abs=1e-5)
    assert (weight[labels < 0] == 0).all()


def test_the_recipe_takes_the_network_of_the_bundle(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    recipe = recipe_of(load_recipe(recipe_file(tmp_path)), bundle, Further(epochs=2, rate=0.5))
    assert (recipe.network.width, recipe.network.depth) == (8, 2)
    assert (recipe.fit.epochs, recipe.fit.rate, recipe.fit.weight_decay) == (2, 0.5, 0)
