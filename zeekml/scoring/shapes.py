"""The shapes of a network's weights, by the names that PyTorch gives them."""

from __future__ import annotations

from zeekml.scoring.manifest import NetworkSizes

Shapes = dict[str, tuple[int, ...]]


def weight_shapes(sizes: NetworkSizes) -> Shapes:
    """The shape of every weight.

    Those of the kind that is shipped are worked out here, as making the network takes PyTorch, whose loading takes
    longer than scoring a small log.
    """
    if (sizes.name, sizes.layout) != ("Res-1DCNN-LSTM", "window"):
        from zeekml.scoring.rebuilt import fresh_network  # noqa: PLC0415 - brings PyTorch

        network = fresh_network(sizes)
        return {name: tuple(value.shape) for name, value in network.state_dict().items()}
    one = _res_cnn_lstm(sizes)
    if sizes.members == 1:
        return one
    return {f"members.{place}.{name}": shape for place in range(sizes.members) for name, shape in one.items()}


def _res_cnn_lstm(sizes: NetworkSizes) -> Shapes:
    width, kernel = sizes.width, sizes.kernel
    shapes: Shapes = _layer("stem.0", width, sizes.channels)
    for block in range(sizes.depth):
        shapes |= _pair(f"layers.{block}.norm", (width,), width)
        for which in ("first", "second"):
            shapes |= _pair(f"layers.{block}.{which}.conv", (width, width, kernel), width)
    for layer in range(sizes.depth, 2 * sizes.depth):
        shapes |= _pair(f"layers.{layer}.norm", (width,), width)
        for way in ("ih", "hh"):
            shapes[f"layers.{layer}.lstm.rnn.weight_{way}_l0"] = (4 * width, width)
            shapes[f"layers.{layer}.lstm.rnn.bias_{way}_l0"] = (4 * width,)
    shapes |= _pair("head.0", (2 * width,), 2 * width)
    return shapes | _layer("head.1", width, 2 * width) | _layer("head.4", sizes.classes, width)


def _layer(name: str, outputs: int, inputs: int) -> Shapes:
    return _pair(name, (outputs, inputs), outputs)


def _pair(name: str, weight: tuple[int, ...], outputs: int) -> Shapes:
    return {f"{name}.weight": weight, f"{name}.bias": (outputs,)}
