"""The network is measured beside matrix products, and held to a multiple of them; how fast it is is never tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import bench, network
from benchmarks.network_figures import network_bars, times_the_products
from tests.builders import tiny_bundle

COSTS = {"matrix products": 0.2, "network, 1 host": 0.3, "network, 1,000 hosts": 0.7, "trees": 5.0}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "BATCH", 300)
    monkeypatch.setattr(network, "HOSTS", (1, 20, 700))


def test_only_the_network_is_held_to_its_products() -> None:
    assert times_the_products(COSTS) == pytest.approx(
        {"matrix products": 1.0, "network, 1 host": 1.5, "network, 1,000 hosts": 3.5, "trees": 25.0}
    )
    assert [(bar.name, round(bar.value, 3), bar.bar, bar.held) for bar in network_bars(COSTS)] == [
        ("network, 1 host / the same multiplications as matrix products", 1.5, "at most 3", True),
        ("network, 1,000 hosts / the same multiplications as matrix products", 3.5, "at most 3", False),
    ]


@pytest.mark.usefixtures("small")
def test_it_measures_each_number_of_hosts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tiny_bundle(tmp_path / "tiny"))
    assert network.main(["--model", model, "--rounds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["multiplications", "rounds", "microseconds"]
    assert found["rounds"] == 1
    assert found["multiplications"] > 0
    held = ["network, 1 host", "network, 20 hosts", "network, 700 hosts"]
    assert list(found["microseconds"]) == ["matrix products", *held]
    assert min(found["microseconds"].values()) > 0
    assert [bar.name.partition(" / ")[0] for bar in network_bars(found["microseconds"])] == held


@pytest.mark.usefixtures("small")
def test_it_prints_what_it_is_held_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert network.main(["--model", str(tiny_bundle(tmp_path / "tiny")), "--rounds", "1"]) == 0
    text = capsys.readouterr().out
    assert text.count("us a connection") == 4
    assert text.count("(at most 3: ") == 3


def test_rounds_are_one_or_more() -> None:
    with pytest.raises(SystemExit):
        network.main(["--rounds", "0"])


def test_it_is_a_part_of_the_page(tmp_path: Path) -> None:
    (command,) = bench.parts(bench._options(["--model", "other"]), tmp_path)["network"].commands
    assert command[1:] == [str(Path(network.__file__)), "--json", "--model", "other"]
