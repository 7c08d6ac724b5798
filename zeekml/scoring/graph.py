"""A bundle's network as an ONNX graph, built from its weights; it computes what ``zeekml.networks`` does.

``window`` layout: ``x`` (B, L, C) encoded features of B pieces of L connections each and ``carried`` (B, S), the state
before them, give ``logits`` (B, L, K) and ``carried_on`` (B, S). ``flow`` layout: ``x`` (B, L, 1) gives ``logits``
(B, K). B is free, in ``window`` layout L as well. All is float32. The carried state lies as in ``Runner``: that of
each layer, of each member after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zeekml import __version__
from zeekml.scoring.manifest import NetworkSizes
from zeekml.scoring.shapes import Kind, branches

if TYPE_CHECKING:
    from onnx import ModelProto

    from zeekml.features.connection import Floats

#: Every ONNX Runtime since 1.17 reads these.
OPSET: Final = 18
_IR_VERSION: Final = 9
_EPSILON: Final = 1e-5  # PyTorch's, of a normalised layer


def state_width(sizes: NetworkSizes) -> int:
    """S: numbers carried for one host; none in ``flow`` layout."""
    if sizes.layout == "flow":
        return 0
    return sizes.members * sum(sum(_parts(kind, sizes)) for branch in branches(sizes) for kind in branch)


def graph_of(sizes: NetworkSizes, weights: Mapping[str, Floats]) -> ModelProto:
    """The graph of a network, or of several as one, checked by ONNX. Needs the package ``onnx``."""
    import onnx  # noqa: PLC0415 - an extra
    from onnx import TensorProto, helper  # noqa: PLC0415

    build = _Build(sizes, weights)
    width, flow = state_width(sizes), sizes.layout == "flow"
    logits, carried = build.members()
    build.name(logits, "logits")
    free: list[Any] = ["B", sizes.length if flow else "L"]

    def tensor(name: str, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    inputs = [tensor("x", [*free, sizes.channels])]
    outputs = [tensor("logits", ["B", sizes.classes] if flow else [*free, sizes.classes])]
    if width:
        build.name(carried, "carried_on")
        inputs.append(tensor("carried", ["B", width]))
        outputs.append(tensor("carried_on", ["B", width]))
    graph = helper.make_graph(
        build.nodes, sizes.name, inputs, outputs, initializer=list(build.constants.values())
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="zeekml",
        producer_version=__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _parts(kind: Kind, sizes: NetworkSizes) -> list[int]:
    """The widths of the parts of what a layer carries, flat."""
    past, width = (sizes.kernel - 1) * sizes.width, sizes.width
    return {
        "conv": [past],
        "residual conv": [past, past],
        "lstm": [width, width],
        "residual lstm": [width, width],
        "gru": [width],
    }.get(kind, [])


class _Build:
    """Nodes and constants as they are added; values go by their names."""

    def __init__(self, sizes: NetworkSizes, weights: Mapping[str, Floats]) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._sizes, self._weights = sizes, weights
        self._prefix = ""

    def members(self) -> tuple[str, str]:
        """All members: their mean logits, and what they carry on, or "" where they carry nothing."""
        sizes = self._sizes
        states = iter(self._states())
        said, carried = [], []
        for place in range(sizes.members):
            self._prefix = f"members.{place}." if sizes.members > 1 else ""
            logits, after = self._member(states)
            said.append(logits)
            carried += after
        mean = said[0] if len(said) == 1 else self._node("Mean", *said)
        return mean, "" if not carried else self._node("Concat", *carried, axis=1)

    def name(self, value: str, name: str) -> None:
        """Give a value a name that is seen from outside."""
        self._add("Identity", [value], [name])

    def _states(self) -> list[str]:
        """What each layer that carries something begins with, part by part: (B, part)."""
        sizes = self._sizes
        one = [part for branch in branches(sizes) for kind in branch for part in _parts(kind, sizes)]
        widths = one * sizes.members
        if not widths:
            return []
        if sizes.layout == "window":
            parts = [f"begin_{place}" for place in range(len(widths))]
            self._add("Split", ["carried", self._constant(np.array(widths))], parts, axis=1)
            return parts
        batch = self._node("Shape", "x", start=0, end=1)
        shapes = [self._node("Concat", batch, self._constant(np.array([width])), axis=0) for width in widths]
        return [self._node("ConstantOfShape", shape) for shape in shapes]

    def _member(self, states: Any) -> tuple[str, list[str]]:
        sizes = self._sizes
        stemmed = self._relu(self._linear("x", "stem.0"))
        if sizes.layout == "flow":
            place = self._weight("place")
            stemmed = self._node("Add", self._node("Mul", stemmed, place), place)
        joined, carried, layer = [], [], 0
        for branch in branches(sizes):
            y = stemmed
            for kind in branch:
                begin = [next(states) for _ in _parts(kind, sizes)]
                y, after = self._layer(kind, f"layers.{layer}", y, begin)
                carried += after
                layer += 1
            joined.append(y)
        steps = joined[0] if len(joined) == 1 else self._node("Concat", *joined, axis=-1)
        if sizes.layout == "flow":
            last = self._node("Gather", steps, self._constant(np.array(-1)), axis=1)
            mean = self._node("ReduceMean", steps, self._constant(np.array([1])), keepdims=0)
            return self._head(self._node("Add", last, mean)), []
        return self._head(steps), carried

    def _head(self, steps: str) -> str:
        hidden = self._relu(self._linear(self._norm(steps, "head.0"), "head.1"))
        return self._linear(hidden, "head.4")

    def _layer(self, kind: Kind, name: str, x: str, begin: list[str]) -> tuple[str, list[str]]:
        match kind:
            case "dense":
                return self._relu(self._linear(x, f"{name}.modules_.0")), []
            case "relu":
                return self._relu(x), []
            case "conv":
                return self._conv(x, f"{name}.conv", begin)
            case "gru" | "lstm":
                return self._recurrent(kind, x, f"{name}.rnn", begin)
            case "residual conv":
                seen = self._relu(self._norm(x, f"{name}.norm"))
                y, first = self._conv(seen, f"{name}.first.conv", begin[:1])
                y, second = self._conv(self._relu(y), f"{name}.second.conv", begin[1:])
                return self._node("Add", x, y), first + second
            case _:
                seen = self._norm(x, f"{name}.norm")
                y, after = self._recurrent("lstm", seen, f"{name}.lstm.rnn", begin)
                return self._node("Add", x, y), after

    def _conv(self, x: str, name: str, begin: list[str]) -> tuple[str, list[str]]:
        past, width = self._sizes.kernel - 1, self._sizes.width
        before = self._node("Reshape", begin[0], self._constant(np.array([0, past, width])))
        seen = self._node("Concat", before, x, axis=1)  # (B, past + L, H)
        turned = self._node("Transpose", seen, perm=[0, 2, 1])
        y = self._node("Conv", turned, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"))
        limits = [self._constant(np.array([limit])) for limit in (-past, np.iinfo(np.int64).max, 1)]
        last = self._node("Slice", seen, *limits)
        after = self._node("Reshape", last, self._constant(np.array([0, past * width])))
        return self._node("Transpose", y, perm=[0, 2, 1]), [after]

    def _recurrent(self, kind: str, x: str, name: str, begin: list[str]) -> tuple[str, list[str]]:
        """ONNX has a sequence's steps first, and its gates in another order than PyTorch."""
        operator, order = ("LSTM", (0, 3, 1, 2)) if kind == "lstm" else ("GRU", (1, 0, 2))
        attributes: dict[str, Any] = {"hidden_size": self._sizes.width}
        if kind == "gru":
            attributes["linear_before_reset"] = 1

        def gates(which: str) -> Floats:
            parts = np.split(self._given(f"{name}.{which}_l0"), len(order))
            return np.concatenate([parts[place] for place in order])

        first = self._constant(np.array([0]))
        y, *after = self._outputs(
            operator,
            [
                self._node("Transpose", x, perm=[1, 0, 2]),  # (L, B, H)
                self._constant(gates("weight_ih")[None]),
                self._constant(gates("weight_hh")[None]),
                self._constant(np.concatenate([gates("bias_ih"), gates("bias_hh")])[None]),
                "",
                *(self._node("Unsqueeze", part, first) for part in begin),
            ],
            1 + len(begin),
            **attributes,
        )
        steps = self._node("Squeeze", y, self._constant(np.array([1])))  # from (L, 1, B, H)
        return self._node("Transpose", steps, perm=[1, 0, 2]), [
            self._node("Squeeze", part, first) for part in after
        ]

    def _linear(self, x: str, name: str) -> str:
        product = self._node("MatMul", x, self._constant(self._given(f"{name}.weight").T))
        return self._node("Add", product, self._weight(f"{name}.bias"))

    def _norm(self, x: str, name: str) -> str:
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._node("LayerNormalization", x, weight, bias, axis=-1, epsilon=_EPSILON)

    def _relu(self, x: str) -> str:
        return self._node("Relu", x)

    def _given(self, name: str) -> Floats:
        return self._weights[self._prefix + name]

    def _weight(self, name: str) -> str:
        return self._constant(self._given(name))

    def _constant(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper  # noqa: PLC0415 - an extra

        name = f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        return self._outputs(operator, list(inputs), 1, **attributes)[0]

    def _outputs(self, operator: str, inputs: list[str], count: int, **attributes: Any) -> list[str]:
        names = [f"value_{len(self.nodes)}_{place}" for place in range(count)]
        # The first output of a recurrent layer is followed by its last hidden state and, of an LSTM, its cell.
        self._add(operator, inputs, names, **attributes)
        return names

    def _add(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        from onnx import helper  # noqa: PLC0415 - an extra

        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
