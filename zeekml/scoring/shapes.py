"""What a network is made of, told without PyTorch: its layers, and the shapes of its weights by PyTorch's names.

Making the network to ask it takes PyTorch, which may not be installed, and whose loading takes longer than scoring a
small log.
"""

from __future__ import annotations

from typing import Literal

from zeekml.scoring.manifest import NetworkSizes

Shapes = dict[str, tuple[int, ...]]
Kind = Literal["dense", "relu", "conv", "gru", "lstm", "residual conv", "residual lstm"]


def branches(sizes: NetworkSizes) -> list[list[Kind]]:
    """The kinds of layers of each branch, in the order of ``Network.layers``."""
    depth = sizes.depth
    convs: list[Kind] = ["conv", "relu"] * depth
    plans: dict[str, list[list[Kind]]] = {
        "Dense": [["dense"] * depth],
        "GRU": [["gru"] * depth],
        "1DCNN": [convs],
        "CNN-LSTM": [[*convs, "lstm"]],
        "Res-1DCNN-LSTM": [["residual conv"] * depth, ["residual lstm"] * depth],
    }
    return plans[sizes.name]


def weight_shapes(sizes: NetworkSizes) -> Shapes:
    """The shape of every weight."""
    one = _network(sizes)
    if sizes.members == 1:
        return one
    return {f"members.{place}.{name}": shape for place in range(sizes.members) for name, shape in one.items()}


def _network(sizes: NetworkSizes) -> Shapes:
    width, plan = sizes.width, branches(sizes)
    shapes: Shapes = {} if sizes.layout == "window" else {"place": (sizes.length, width)}
    shapes |= _layer("stem.0", width, sizes.channels)
    for place, kind in enumerate(kind for branch in plan for kind in branch):
        shapes |= _of_kind(kind, f"layers.{place}", sizes)
    joined = width * len(plan)
    shapes |= _pair("head.0", (joined,), joined)
    return shapes | _layer("head.1", width, joined) | _layer("head.4", sizes.classes, width)


def _of_kind(kind: Kind, name: str, sizes: NetworkSizes) -> Shapes:
    width = sizes.width
    convolution, norm = (width, width, sizes.kernel), _pair(f"{name}.norm", (width,), width)
    shapes: dict[str, Shapes] = {
        "dense": _layer(f"{name}.modules_.0", width, width),
        "relu": {},
        "conv": _pair(f"{name}.conv", convolution, width),
        "gru": _recurrent(f"{name}.rnn", 3 * width, width),
        "lstm": _recurrent(f"{name}.rnn", 4 * width, width),
        "residual conv": norm
        | _pair(f"{name}.first.conv", convolution, width)
        | _pair(f"{name}.second.conv", convolution, width),
        "residual lstm": norm | _recurrent(f"{name}.lstm.rnn", 4 * width, width),
    }
    return shapes[kind]


def _recurrent(name: str, gates: int, width: int) -> Shapes:
    shapes: Shapes = {}
    for way in ("ih", "hh"):
        shapes[f"{name}.weight_{way}_l0"] = (gates, width)
        shapes[f"{name}.bias_{way}_l0"] = (gates,)
    return shapes


def _layer(name: str, outputs: int, inputs: int) -> Shapes:
    return _pair(name, (outputs, inputs), outputs)


def _pair(name: str, weight: tuple[int, ...], outputs: int) -> Shapes:
    return {f"{name}.weight": weight, f"{name}.bias": (outputs,)}
