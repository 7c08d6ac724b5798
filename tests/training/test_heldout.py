"""What a model is measured on: clean networks as they are, bots laid into them, features as when scoring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import matrix_of
from tests.training.data import capture, host_rows, recipe_file
from zeekml.errors import RecipeError
from zeekml.features import Block
from zeekml.training import load_recipe
from zeekml.training.captures import Capture
from zeekml.training.folds import Fold
from zeekml.training.heldout import HeldOut, Predict
from zeekml.training.recipe import Recipe

BOTS = ("192.168.1.66", "192.168.1.67")


def bot() -> Capture:
    rows = [row for host in BOTS for row in host_rows(host, list(range(30)), id_resp_p=23)]
    return capture("bot", rows + host_rows("192.168.1.5", [1, 2]), [1] * 60 + [0, 0], infected=BOTS)


def net(hosts: int = 3, connections: int = 25) -> Capture:
    rows = [
        row for i in range(hosts) for row in host_rows(f"10.0.0.{i}", list(range(0, 40 * connections, 40)))
    ]
    return capture("net", rows, clean=True)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return load_recipe(recipe_file(tmp_path))


def test_clean_networks_are_measured_as_they_are(recipe: Recipe) -> None:
    found = HeldOut(Fold((bot(),), (net(),)), recipe, 1)
    clean = (found.rows["kind"] == "clean").to_numpy()
    assert clean.sum() == 75
    np.testing.assert_array_equal(found.features[clean], matrix_of(net().frame))
    assert set(found.rows["capture"][clean]) == set(found.rows["group"][clean]) == {"net"}
    assert not found.rows["of_bot"][clean].any()


def test_every_infected_host_takes_the_address_of_another_local_host(recipe: Recipe) -> None:
    """The hosts beneath have different numbers of connections, which tells them apart."""
    counts = {"10.0.0.1": 21, "10.0.0.2": 22}
    rows = [row for host, n in counts.items() for row in host_rows(host, list(range(0, 40 * n, 40)))]
    lending = capture("net", rows, clean=True)
    for seed in range(8):
        found = HeldOut(Fold((bot(),), (lending,)), recipe, seed).rows
        laid = found[found["kind"] == "bot"]
        assert set(laid["host"]) == set(BOTS)
        beneath = laid[~laid["of_bot"]].groupby("host").size()
        assert sorted(beneath) == [21, 22]
        for host in BOTS:
            mine = laid[laid["host"] == host]
            assert (mine["of_bot"].sum(), (mine["label"] == 1).sum()) == (30, 30)
            assert (np.diff(mine["event_time"]) >= 0).all()


def test_networks_that_cannot_lend_enough_addresses_are_not_drawn(recipe: Recipe) -> None:
    small = capture(
        "small", host_rows("10.9.0.1", list(range(0, 1200, 40))), clean=True
    )  # one host for two bots
    for seed in range(8):
        found = HeldOut(Fold((bot(),), (small, net())), recipe, seed).rows
        beneath = found[(found["kind"] == "bot") & ~found["of_bot"]].groupby("host").size()
        assert list(beneath) == [25, 25]


def test_the_healthy_hosts_of_an_infected_capture_are_not_laid(recipe: Recipe) -> None:
    rows = HeldOut(Fold((bot(),), (net(),)), recipe, 1).rows
    assert "192.168.1.5" not in set(rows["host"])


@pytest.mark.parametrize(
    "clean", [(), (net(connections=5),), (net(hosts=1),)], ids=["none", "quiet", "one host"]
)
def test_without_a_network_to_lie_in_nothing_is_measured(recipe: Recipe, clean: tuple[Capture, ...]) -> None:
    with pytest.raises(RecipeError, match="no clean network of its fold"):
        HeldOut(Fold((bot(),), clean), recipe, 1)


def test_quiet_hosts_lend_their_addresses_when_the_busy_ones_do_not_suffice(recipe: Recipe) -> None:
    rows = [
        row
        for host, n in (("10.0.0.1", 30), ("10.0.0.2", 3), ("10.0.0.3", 2))
        for row in host_rows(host, list(range(n)))
    ]
    found = HeldOut(Fold((bot(),), (capture("net", rows, clean=True),)), recipe, 1).rows
    beneath = found[(found["kind"] == "bot") & ~found["of_bot"]].groupby("host").size()
    assert sorted(beneath) == [3, 30]


def test_only_inside_addresses_are_local(recipe: Recipe) -> None:
    rows = [
        row
        for host in ("10.0.0.1", "10.0.0.2", "0.0.0.0", "198.51.100.7")  # noqa: S104 - no bind address
        for row in host_rows(host, list(range(25)), local_orig=None)
    ]
    found = HeldOut(Fold((bot(),), (capture("net", rows, clean=True),)), recipe, 1).rows
    clean = found[found["kind"] == "clean"]
    assert set(clean["host"][clean["local"]]) == {"10.0.0.1", "10.0.0.2"}


def test_the_seed_draws_the_overlays(recipe: Recipe) -> None:
    fold = Fold((bot(),), (net(), net(hosts=5)))
    one, same, other = (HeldOut(fold, recipe, seed).features for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or not np.array_equal(one, other, equal_nan=True)


def test_predictions_are_those_of_each_row_and_streams_start_anew(recipe: Recipe) -> None:
    found = HeldOut(Fold((bot(),), (net(), net())), recipe, 1)
    starts = []

    def start() -> Predict:
        starts.append(0)

        def predict(block: Block) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
            starts[-1] += len(block.matrix)
            return block.matrix[:, :2]

        return predict

    logits = found.predict(start)
    np.testing.assert_array_equal(logits, found.features[:, :2])
    assert starts == [75, 75, 110]
    assert len(found.rows) == len(logits)
