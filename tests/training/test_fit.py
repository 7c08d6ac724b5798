"""Fitting: it learns, stops in time, keeps the best epoch, and repeats itself exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.data import capture, host_rows, recipe_file
from zeekml.features import LAYOUT, Encoding
from zeekml.networks import NETWORKS, Network
from zeekml.scoring.calibration import log_odds
from zeekml.scoring.runner import Runner
from zeekml.training import load_recipe
from zeekml.training.fit import Epoch, Fitted, fit, used_features
from zeekml.training.recipe import Recipe
from zeekml.training.samples import Floats, Material, as_block

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def recipe(folder: Path, change: Change = lambda _: None) -> Recipe:
    return load_recipe(recipe_file(folder, change))


def material(given: Recipe) -> Material:
    """Scanners and browsers, easy to tell apart."""
    captures = []
    for i in range(3):
        host = f"192.168.1.{60 + i}"
        scan = host_rows(host, list(range(40)), id_resp_p=23, conn_state="S0", resp_pkts=0.0, duration=None)
        captures.append(capture(f"bot-{i}", scan, [1] * 40, infected=(host,)))
        clean = host_rows(f"10.0.0.{i}", list(range(0, 800, 20)))
        captures.append(capture(f"net-{i}", clean, clean=True))
    return Material(captures, given)


def test_it_learns_what_is_easy(tmp_path: Path) -> None:
    given = recipe(tmp_path, lambda r: r["fit"].update(epochs=15, rate=1e-2, ema=0.8))
    data = material(given)
    fitted = fit(data, given, seed=1)
    epoch = data.epoch(np.random.default_rng(99))
    odds = log_odds(Runner(fitted.network, fitted.encoding).logits(as_block(epoch)))
    assert odds[epoch.labels == 1].min() > odds[epoch.labels == 0].max()
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss
    assert not fitted.network.training


@pytest.mark.parametrize("layout", ["window", "flow"])
def test_the_same_seed_gives_the_same_weights(tmp_path: Path, layout: str) -> None:
    def change(content: dict[str, Any]) -> None:
        content["network"].update(layout=layout, features=["port_*", "state_*", "duration"])

    given = recipe(tmp_path, change)
    one, same, other = (fit(material(given), given, seed=seed) for seed in (1, 1, 2))
    assert [epoch.loss for epoch in one.epochs] == [epoch.loss for epoch in same.epochs]
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, same.network.state_dict()[name]), name
    assert not torch.equal(one.network.head[1].weight, other.network.head[1].weight)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_be_fitted(tmp_path: Path, name: str) -> None:
    given = recipe(tmp_path, lambda r: r["network"].update(name=name))
    assert np.isfinite(fit(material(given), given, seed=1, stop_after=1).epochs[0].loss)


def test_it_stops_after_as_many_epochs_as_told(tmp_path: Path) -> None:
    given = recipe(tmp_path, lambda r: r["fit"].update(epochs=9))
    told: list[int] = []
    fitted = fit(material(given), given, seed=1, stop_after=2, report=lambda epoch: told.append(epoch.number))
    assert told == [1, 2]
    assert fitted.best_epoch == 2


def test_it_keeps_the_epoch_that_validates_best_and_stops_when_none_does(tmp_path: Path) -> None:
    given = recipe(tmp_path, lambda r: r["fit"].update(epochs=9, patience=2))
    figures = iter([0.3, 0.7, 0.6, 0.5, 0.9])
    seen: list[dict[str, torch.Tensor]] = []

    def validate(network: Network, encoding: Encoding) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"average_precision": next(figures)}

    fitted = fit(material(given), given, seed=1, validate=validate)
    assert (len(fitted.epochs), fitted.best_epoch) == (4, 2)
    for name, value in fitted.network.state_dict().items():
        assert torch.equal(value, seen[1][name]), name


def test_the_best_epoch_and_the_latest_that_is_about_as_good() -> None:
    def fitted(*validation: dict[str, float]) -> Fitted:
        epochs = tuple(Epoch(i, 1.0, figures) for i, figures in enumerate(validation, 1))
        return Fitted(torch.nn.Identity(), None, epochs)  # type: ignore[arg-type]

    assert fitted({}, {}, {}).best_epoch == 3
    assert fitted({}, {}, {}).latest_good_epoch(0.1) == 3
    scored = fitted(*({"average_precision": ap} for ap in (0.1, 0.5, 0.5, 0.45, 0.3)))
    assert scored.best_epoch == 2
    assert scored.latest_good_epoch(0.0) == 3
    assert scored.latest_good_epoch(0.1) == 4
    assert scored.latest_good_epoch(1.0) == 5


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*"], set(LAYOUT.names)),
        (["proto_tcp"], {"proto_tcp"}),
        (["host_*", "duration"], {name for name in LAYOUT.names if name.startswith("host_")} | {"duration"}),
    ],
)
def test_used_features(tmp_path: Path, patterns: list[str], expected: set[str]) -> None:
    given = recipe(tmp_path, lambda r: r["network"].update(features=patterns))
    assert {LAYOUT.names[i] for i in np.flatnonzero(used_features(given))} == expected
    assert fit(material(given), given, seed=1, stop_after=1).encoding.used.sum() == len(expected)


def test_the_network_may_see_less_than_the_trees(tmp_path: Path) -> None:
    given = recipe(tmp_path, lambda r: r["network"].update(without=["pair_*", "host_gap"]))
    fitted = fit(material(given), given, seed=1, stop_after=1)
    seen = {name for name, used in zip(LAYOUT.names, fitted.encoding.used, strict=True) if used}
    assert seen == {name for name in LAYOUT.names if not name.startswith("pair_")} - {"host_gap"}
    assert used_features(given).all()


def test_a_network_follows_its_teacher_by_the_taught_share(tmp_path: Path) -> None:
    given = recipe(tmp_path, lambda r: r["fit"].update(epochs=15, rate=1e-2, ema=0.8, taught=1.0))
    data = material(given)
    rows = data.epoch(np.random.default_rng(99))

    def upside_down(features: Floats) -> Floats:
        """Says that what scans is benign, and the rest is not."""
        return np.where(features[:, LAYOUT.names.index("port_telnet")] > 0, -4, 4).astype(np.float32)

    fitted = fit(data, given, seed=1, teacher=upside_down)
    odds = log_odds(Runner(fitted.network, fitted.encoding).logits(as_block(rows)))
    assert odds[rows.labels == 1].max() < odds[rows.labels == 0].min()


def test_without_a_share_the_teacher_is_not_heard(tmp_path: Path) -> None:
    given = recipe(tmp_path)
    taught = fit(material(given), given, seed=1, teacher=lambda x: np.full(len(x), 9, dtype=np.float32))
    alone = fit(material(given), given, seed=1)
    for name, value in alone.network.state_dict().items():
        torch.testing.assert_close(taught.network.state_dict()[name], value)
