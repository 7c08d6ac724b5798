"""The five networks of the paper behind one interface, ``forward(x: (B, L, C)) -> logits``.

Two input layouts share the same layers:

- ``flow``: one connection, L is its feature vector, C = 1; logits (B, K), one a sequence;
- ``window``: connections of one host in log order, C their features; logits (B, L, K), one a connection. Every layer
  is causal and carries its state, so a sequence may be given whole or in pieces of any length.

Res-1DCNN-LSTM runs residual convolution blocks (spatial) and residual LSTM layers (temporal) in parallel, joins them
and classifies. Shapes in comments: B sequences, L steps, H width, K classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: What one layer carries from piece to piece: tensors (B, ...).
Carried = tuple[Tensor, ...]
#: The carried state of a network: that of each layer, in the order of the layers.
State = list[Carried]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of a network.

    ``channels`` C of the input, ``classes`` K of the output, ``width`` H of every hidden layer, ``depth`` blocks or
    layers in each branch, ``kernel`` steps a convolution sees, ``dropout`` between body and head while training,
    ``length`` the L of every sequence in ``flow`` layout (0 in ``window`` layout, where any length goes).
    """

    name: str
    layout: Literal["flow", "window"]
    channels: int
    classes: int
    width: int = 32
    depth: int = 2
    kernel: int = 3
    dropout: float = 0.2
    length: int = 0


class Layer(nn.Module, ABC):
    """A causal sequence layer: ``forward(x (B, L, H), state) -> (y (B, L, H), state)``."""

    @abstractmethod
    def initial(self, batch: int, like: Tensor) -> Carried:
        """The state before the first step, zeros (batch, ...)."""

    @abstractmethod
    def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:
        """Run over a piece of the sequences, going on from the state of the piece before."""


class CausalConv(Layer):
    """A 1-D convolution over the current and the ``kernel - 1`` steps before it, which are its state."""

    def __init__(self, width_in: int, width_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width_in, width_out, kernel)
        self.past = kernel - 1

    def initial(self, batch: int, like: Tensor) -> Carried:
        return (like.new_zeros(batch, self.past, self.conv.in_channels),)

    def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:
        seen = torch.cat([state[0], x], dim=1)  # (B, past + L, H)
        y = self.conv(seen.transpose(1, 2)).transpose(1, 2)
        return y, (seen[:, seen.shape[1] - self.past :],)


class ResidualConv(Layer):
    """Two convolutions with a shortcut around them: ``shortcut(x) + conv(relu(conv(relu(norm(x)))))``."""

    def __init__(self, width_in: int, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width_in)
        self.first = CausalConv(width_in, width, kernel)
        self.second = CausalConv(width, width, kernel)
        self.shortcut = _shortcut(width_in, width)

    def initial(self, batch: int, like: Tensor) -> Carried:
        return self.first.initial(batch, like) + self.second.initial(batch, like)

    def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:
        y, first = self.first(F.relu(self.norm(x)), state[:1])
        y, second = self.second(F.relu(y), state[1:])
        return self.shortcut(x) + y, first + second


class Recurrent(Layer):
    """One LSTM or GRU layer; its state is the recurrent one."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], width_in: int, width: int) -> None:
        super().__init__()
        self.rnn = kind(width_in, width, batch_first=True)
        self.parts = 2 if kind is nn.LSTM else 1

    def initial(self, batch: int, like: Tensor) -> Carried:
        return tuple(like.new_zeros(batch, self.rnn.hidden_size) for _ in range(self.parts))

    def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:
        before = tuple(part.unsqueeze(0).contiguous() for part in state)
        carried = before if self.parts == 2 else before[0]
        y, after = self.rnn(x, carried)
        parts = after if self.parts == 2 else (after,)
        return y, tuple(part.squeeze(0) for part in parts)


class ResidualLSTM(Layer):
    """An LSTM layer with a shortcut around it: ``shortcut(x) + lstm(norm(x))``."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width_in)
        self.lstm = Recurrent(nn.LSTM, width_in, width)
        self.shortcut = _shortcut(width_in, width)

    def initial(self, batch: int, like: Tensor) -> Carried:
        return self.lstm.initial(batch, like)

    def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:
        y, after = self.lstm(self.norm(x), state)
        return self.shortcut(x) + y, after


class Pointwise(Layer):
    """A layer that looks at one step at a time and carries nothing."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.modules_ = nn.Sequential(*modules)

    def initial(self, batch: int, like: Tensor) -> Carried:  # noqa: ARG002 - the interface's arguments
        return ()

    def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:  # noqa: ARG002
        return self.modules_(x), ()


class Network(nn.Module):
    """Stem (each step by itself), branches of layers in parallel, and a head on what they say together."""

    def __init__(self, config: NetworkConfig, branches: list[list[Layer]]) -> None:
        super().__init__()
        self.config = config
        # In flow layout a step is one feature: which one, the network learns from an embedding of its place.
        places = torch.randn(config.length, config.width) * config.width**-0.5
        self.place = nn.Parameter(places) if config.layout == "flow" else None
        self.stem = nn.Sequential(nn.Linear(config.channels, config.width), nn.ReLU())
        self._branches = branches
        self.layers = nn.ModuleList(layer for branch in branches for layer in branch)
        joined = config.width * len(branches)
        self.head = nn.Sequential(
            nn.LayerNorm(joined),
            nn.Linear(joined, config.width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.width, config.classes),
        )

    def initial(self, batch: int) -> State:
        """The state of ``batch`` sequences before their first step."""
        like = self.stem[0].weight
        assert isinstance(like, Tensor)  # noqa: S101 - for the type checker
        return [layer.initial(batch, like) for branch in self._branches for layer in branch]

    def forward(self, x: Tensor) -> Tensor:
        """Logits of whole sequences x (B, L, C): (B, L, K) in ``window`` layout, (B, K) in ``flow``."""
        stemmed = self.stem(x)
        if self.place is not None:
            stemmed = stemmed * self.place + self.place
        steps = self.body(stemmed, self.initial(len(x)))[0]
        return self.head(steps if self.config.layout == "window" else _pooled(steps))  # type: ignore[no-any-return]

    def step(self, stemmed: Tensor, state: State) -> tuple[Tensor, State]:
        """``window`` layout: logits (B, L, K) of a further piece (B, L, H) that has passed the stem, and the state."""
        steps, state = self.body(stemmed, state)
        return self.head(steps), state

    def body(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Run the branches over x (B, L, H): (B, L, H * branches), and the state after the last real step."""
        joined, after, at = [], [], 0
        for branch in self._branches:
            y = x
            for layer in branch:
                y, carried = layer(y, state[at])
                after.append(carried)
                at += 1
            joined.append(y)
        return (joined[0] if len(joined) == 1 else torch.cat(joined, dim=-1)), after


def _dense(c: NetworkConfig) -> list[list[Layer]]:
    return [[Pointwise(nn.Linear(c.width, c.width), nn.ReLU()) for _ in range(c.depth)]]


def _gru(c: NetworkConfig) -> list[list[Layer]]:
    return [[Recurrent(nn.GRU, c.width, c.width) for _ in range(c.depth)]]


def _cnn(c: NetworkConfig) -> list[list[Layer]]:
    layers: list[Layer] = []
    for _ in range(c.depth):
        layers += [CausalConv(c.width, c.width, c.kernel), Pointwise(nn.ReLU())]
    return [layers]


def _cnn_lstm(c: NetworkConfig) -> list[list[Layer]]:
    return [_cnn(c)[0] + [Recurrent(nn.LSTM, c.width, c.width)]]


def _res_cnn_lstm(c: NetworkConfig) -> list[list[Layer]]:
    spatial: list[Layer] = [ResidualConv(c.width, c.width, c.kernel) for _ in range(c.depth)]
    temporal: list[Layer] = [ResidualLSTM(c.width, c.width) for _ in range(c.depth)]
    return [spatial, temporal]


#: The networks by the paper's names.
NETWORKS = {
    "Dense": _dense,
    "GRU": _gru,
    "1DCNN": _cnn,
    "CNN-LSTM": _cnn_lstm,
    "Res-1DCNN-LSTM": _res_cnn_lstm,
}


def build(config: NetworkConfig) -> Network:
    """Make the network ``config.name`` with fresh weights; KeyError for a name that is not in ``NETWORKS``."""
    return Network(config, NETWORKS[config.name](config))


def _shortcut(width_in: int, width_out: int) -> nn.Module:
    return nn.Identity() if width_in == width_out else nn.Linear(width_in, width_out, bias=False)


def _pooled(steps: Tensor) -> Tensor:
    """A whole sequence in one vector, (B, L, H) -> (B, H): its last step, which has seen all, and its mean."""
    return steps[:, -1] + steps.mean(dim=1)
