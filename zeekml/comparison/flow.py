"""The networks of the comparison: the five of ``zeekml.networks`` in ``flow`` layout, and what is left of the last
one when a part of it is taken away.

Each step of the sequence is some features, so each step gets weights of its own before the network's stem: the
same for every network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from zeekml.comparison.settings import Settings
from zeekml.networks import (
    Layer,
    Network,
    NetworkConfig,
    ResidualConv,
    ResidualLSTM,
    build,
)

RES: Final = "Res-1DCNN-LSTM"


class FlowNetwork(nn.Module):
    """A network behind an embedding of the steps: ``forward(x: (B, L, C)) -> logits (B, K)``."""

    def __init__(self, steps: int, channels: int, network: Network) -> None:
        super().__init__()
        width = network.config.channels
        self.weight = nn.Parameter(torch.randn(steps, channels, width) * (4 / channels) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(steps, 1, width))
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of sequences x (B, L, C)."""
        steps = torch.baddbmm(self.bias, x.transpose(0, 1), self.weight)  # (L, B, H)
        return self.network(steps.transpose(0, 1))  # type: ignore[no-any-return]


class _NoShortcut(nn.Module):
    """Stands where a shortcut was, and lets nothing through."""

    def forward(self, x: Tensor) -> Tensor:
        return x.new_zeros(())


def _branches(c: NetworkConfig) -> tuple[list[Layer], list[Layer]]:
    spatial: list[Layer] = [ResidualConv(c.width, c.width, c.kernel) for _ in range(c.depth)]
    temporal: list[Layer] = [ResidualLSTM(c.width, c.width) for _ in range(c.depth)]
    return spatial, temporal


def _without_shortcuts(c: NetworkConfig) -> Network:
    spatial, temporal = _branches(c)
    for layer in (*spatial, *temporal):
        layer.shortcut = _NoShortcut()
    return Network(c, [spatial, temporal])


def _without_cnn(c: NetworkConfig) -> Network:
    return Network(c, [_branches(c)[1]])


def _without_lstm(c: NetworkConfig) -> Network:
    return Network(c, [_branches(c)[0]])


def _in_series(c: NetworkConfig) -> Network:
    spatial, temporal = _branches(c)
    return Network(c, [spatial + temporal])


ABLATIONS: Final[dict[str, Callable[[NetworkConfig], Network]]] = {
    "without shortcuts": _without_shortcuts,
    "without CNN branch": _without_cnn,
    "without LSTM branch": _without_lstm,
    "in series": _in_series,
}
"""Res-1DCNN-LSTM with a part taken away, or its branches one after the other."""


def make(name: str, *, steps: int, channels: int, classes: int, settings: Settings) -> FlowNetwork:
    """A network or an ablation of the last one, with fresh weights, for sequences (steps, channels)."""
    config = NetworkConfig(
        name=RES if name in ABLATIONS else name,
        layout="flow",
        channels=settings.width,
        classes=classes,
        width=settings.width,
        depth=settings.depth,
        kernel=settings.kernel,
        dropout=settings.dropout,
        length=steps,
    )
    network = ABLATIONS[name](config) if name in ABLATIONS else build(config)
    return FlowNetwork(steps, channels, network)
