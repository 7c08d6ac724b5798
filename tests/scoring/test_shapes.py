"""The shapes that are worked out are those of the networks."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from zeekml.networks import NETWORKS, NetworkConfig, build
from zeekml.scoring.ensemble import together
from zeekml.scoring.manifest import NetworkSizes
from zeekml.scoring.shapes import weight_shapes


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("layout", ["window", "flow"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network(name: str, layout: str, members: int) -> None:
    flow = layout == "flow"
    config = NetworkConfig(
        name=name,
        layout="flow" if flow else "window",
        channels=1 if flow else 9,
        classes=4,
        width=8,
        depth=3,
        kernel=5,
        length=9 if flow else 0,
    )
    network = together([build(config) for _ in range(members)])
    found = weight_shapes(NetworkSizes(**asdict(config), members=members))
    assert found == {weight: tuple(value.shape) for weight, value in network.state_dict().items()}
