"""The network of a bundle as a PyTorch module again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray

from zeekml.networks import Network, NetworkConfig, build
from zeekml.scoring.ensemble import Ensemble, together
from zeekml.scoring.manifest import NetworkSizes


def fresh_network(sizes: NetworkSizes) -> Network | Ensemble:
    """A network of these sizes with fresh weights, or its members as one."""
    config = NetworkConfig(**{field.name: getattr(sizes, field.name) for field in fields(NetworkConfig)})
    return together([build(config) for _ in range(sizes.members)])


def network_of(sizes: NetworkSizes, weights: Mapping[str, NDArray[np.float32]]) -> Network | Ensemble:
    """The network with these weights, by PyTorch's names, ready to be used."""
    network = fresh_network(sizes)
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    return network.eval()
