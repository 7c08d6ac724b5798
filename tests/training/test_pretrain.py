"""Pretraining: the network learns what comes next, without labels, and keeps its head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.data import recipe_file
from tests.training.test_fit import material
from zeekml.errors import RecipeError
from zeekml.networks import Network, build
from zeekml.training import load_recipe
from zeekml.training.batches import whole_pieces
from zeekml.training.fit import fit, fitted_encoding, network_config
from zeekml.training.pretrain import pretrain
from zeekml.training.recipe import Recipe


def recipe(folder: Path, **fit_settings: Any) -> Recipe:
    return load_recipe(recipe_file(folder, lambda r: r["fit"].update(fit_settings)))


def pretrained(given: Recipe, seed: int) -> tuple[Network, Network, list[float]]:
    """A fresh network, the same after pretraining, and the losses."""
    torch.set_num_threads(1)
    torch.manual_seed(5)
    data = material(given)
    encoding = fitted_encoding(data.epoch(np.random.default_rng(0)), given)
    network = build(network_config(given, encoding))
    fresh = build(network.config)
    fresh.load_state_dict(network.state_dict())
    return fresh, network, pretrain(network, encoding, data, given.fit, seed)


def test_it_comes_to_know_what_follows_and_leaves_the_head_alone(tmp_path: Path) -> None:
    fresh, network, losses = pretrained(recipe(tmp_path, pretrain=20, rate=1e-2), 1)
    assert losses[-1] < 0.7 * losses[0]
    for name, value in network.head.state_dict().items():
        assert torch.equal(value, fresh.head.state_dict()[name]), name
    assert not torch.equal(network.stem[0].weight, fresh.stem[0].weight)  # type: ignore[arg-type]


def test_the_same_seed_pretrains_alike(tmp_path: Path) -> None:
    given = recipe(tmp_path, pretrain=1)
    _, one, _ = pretrained(given, 1)
    _, same, _ = pretrained(given, 1)
    for name, value in one.state_dict().items():
        assert torch.equal(value, same.state_dict()[name]), name


def test_a_pretrained_network_is_fitted_from_where_it_stands(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    plain, before = recipe(tmp_path), recipe(tmp_path, pretrain=1)
    one, other = (fit(material(r), r, seed=1, stop_after=1) for r in (plain, before))
    assert not torch.equal(one.network.stem[0].weight, other.network.stem[0].weight)  # type: ignore[arg-type]


def test_pieces_hold_every_row_once_and_padding_is_marked(tmp_path: Path) -> None:
    epoch = material(recipe(tmp_path)).epoch(np.random.default_rng(1))
    every = np.ones(len(epoch.labels), dtype=bool)
    batches = whole_pieces(epoch, 32, every, 4, np.random.default_rng(2))
    rows = np.concatenate([batch.rows[batch.real] for batch in batches])
    assert sorted(rows.tolist()) == list(range(len(epoch.labels)))
    assert all((np.diff(batch.real.astype(int), axis=1) <= 0).all() for batch in batches)


@pytest.mark.parametrize("name", ["pretrain", "suspects"])
def test_a_network_that_sees_no_sequence_is_refused(tmp_path: Path, name: str) -> None:
    def change(content: dict[str, Any]) -> None:
        content["network"]["layout"] = "flow"
        content["fit"][name] = 1

    with pytest.raises(RecipeError, match=r"network\.layout window"):
        load_recipe(recipe_file(tmp_path, change))
