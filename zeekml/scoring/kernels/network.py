"""The network of a bundle, laid out for the kernels, with the state of one stream's hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays, taken
from zeekml.features import Block, Encoding
from zeekml.scoring.kernels.body import KERNEL, body
from zeekml.scoring.kernels.dense import COLUMNS, GATES, PART, WIDTH
from zeekml.scoring.kernels.registers import in_line
from zeekml.scoring.kernels.stem import Stem

if TYPE_CHECKING:
    from zeekml.features.connection import Floats
    from zeekml.scoring.manifest import NetworkSizes


def is_compiled(sizes: NetworkSizes, encoding: Encoding) -> bool:
    """Whether the kernels know a network of this kind, seeing features through this encoding."""
    return (
        (sizes.name, sizes.layout) == ("Res-1DCNN-LSTM", "window")
        and (sizes.width, sizes.kernel, encoding.mode) == (WIDTH, KERNEL, "piecewise")
        and sizes.classes <= WIDTH
    )


class Weights(NamedTuple):
    """What ``body`` takes after the state, for D blocks and layers; products are written ``row @ weight``.

    The weights of a product lie in blocks of ``COLUMNS`` columns, one block after the other (``recurrent``:
    of ``PART`` columns), whatever their shape says: so they are read from the first to the last.
    """

    norms: Floats  # (2 D, 2, 32): of the blocks, then of the layers
    conv: Floats  # (D, 2, 96, 32)
    conv_bias: Floats  # (D, 2, 32)
    taken: Floats  # (D, 32, 128): of an LSTM's input
    taken_bias: Floats  # (D, 128)
    recurrent: Floats  # (D, 32, 128): of its hidden state
    head_norm: Floats  # (2, 64)
    hidden: Floats  # (64, 32)
    hidden_bias: Floats  # (32,)
    said: Floats  # (32, 32), of which K columns count
    said_bias: Floats  # (32,)


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """One member: its stem and its other weights."""

    stem: Stem
    weights: Weights
    depth: int

    @classmethod
    def of(cls, encoding: Encoding, weights: Mapping[str, Floats], depth: int) -> CompiledNetwork:
        """From the weights of a network by PyTorch's names."""

        def stacked(values: Sequence[Any]) -> Floats:
            return np.ascontiguousarray(np.stack(values), dtype=np.float32)

        def pair(name: str) -> Floats:
            return stacked([weights[f"{name}.weight"], weights[f"{name}.bias"]])

        convs = [[f"layers.{layer}.{which}.conv" for which in ("first", "second")] for layer in range(depth)]
        lstms = [f"layers.{depth + layer}.lstm.rnn" for layer in range(depth)]

        def cut(weight: Floats, columns: int) -> Floats:
            """Blocks of so many columns after each other, in the shape of the whole."""
            blocks = np.concatenate(np.split(weight, weight.shape[1] // columns, axis=1))
            return np.ascontiguousarray(blocks, dtype=np.float32).reshape(weight.shape)

        # (out, in, step) as a convolution's weight lies, (step and in, out) as a window of rows is multiplied.
        unrolled = [
            [weights[f"{name}.weight"].transpose(2, 1, 0).reshape(-1, WIDTH) for name in block]
            for block in convs
        ]
        half = np.full(GATES, 0.5, dtype=np.float32)
        half[2 * WIDTH : 3 * WIDTH] = 1
        biases = [weights[f"{name}.bias_ih_l0"] + weights[f"{name}.bias_hh_l0"] for name in lstms]
        said = weights["head.4.weight"]
        wide, wide_bias = np.zeros((WIDTH, WIDTH), np.float32), np.zeros(WIDTH, np.float32)
        wide[:, : len(said)], wide_bias[: len(said)] = said.T, weights["head.4.bias"]
        laid_out = Weights(
            stacked([pair(f"layers.{layer}.norm") for layer in range(2 * depth)]),
            stacked([[cut(line, COLUMNS) for line in block] for block in unrolled]),
            stacked([[weights[f"{name}.bias"] for name in block] for block in convs]),
            stacked([cut(weights[f"{name}.weight_ih_l0"].T * half, COLUMNS) for name in lstms]),
            stacked([bias * half for bias in biases]),
            stacked([cut(weights[f"{name}.weight_hh_l0"].T * half, PART) for name in lstms]),
            pair("head.0"),
            cut(weights["head.1.weight"].T, COLUMNS),
            np.ascontiguousarray(weights["head.1.bias"]),
            cut(wide, COLUMNS),
            wide_bias,
        )
        in_lines = Weights(*map(in_line, laid_out))
        return cls(Stem.of(encoding, weights["stem.0.weight"], weights["stem.0.bias"]), in_lines, depth)

    @classmethod
    def members(
        cls, encoding: Encoding, weights: Mapping[str, Floats], sizes: NetworkSizes
    ) -> list[CompiledNetwork]:
        """Every member, from the weights of one network or of an ensemble."""
        prefixes = [f"members.{place}." for place in range(sizes.members)] if sizes.members > 1 else [""]
        return [
            cls.of(
                encoding,
                {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)},
                sizes.depth,
            )
            for prefix in prefixes
        ]

    @property
    def carried(self) -> int:
        """Numbers carried for one host."""
        return self.depth * (2 * (KERNEL - 1) + 2) * WIDTH


class CompiledRunner:
    """Networks that speak as one, in use over one stream; it does what ``Runner`` does, and carries the same state."""

    def __init__(self, members: Sequence[CompiledNetwork], classes: int) -> None:
        self._members = members
        self._classes = classes
        self._states = [np.zeros((0, member.carried), dtype=np.float32) for member in members]
        # Kept from block to block: the system takes long to give memory.
        self._stemmed = np.empty((0, WIDTH), dtype=np.float32)

    @property
    def reserved(self) -> int:
        """Hosts for whose state there is memory."""
        return len(self._states[0])

    def logits(self, block: Block) -> Floats:
        """Logits (N, K) of a block in log order; the state of its hosts is carried on."""
        self._reserve(int(block.slots.max()) + 1)
        said = np.empty((len(self._members), len(block.order), self._classes), dtype=np.float32)
        if len(self._stemmed) < len(block.order):
            self._stemmed = in_line(np.empty((len(block.order), WIDTH), dtype=np.float32))
        for member, state, logits in zip(self._members, self._states, said, strict=True):
            member.stem(block.matrix, block.order, self._stemmed)
            body(self._stemmed, block.order, block.runs.starts, block.runs.ends, block.slots, block.fresh, state,
                 *member.weights, logits)  # fmt: skip
        mean: Floats = said[0] if len(said) == 1 else said.sum(axis=0) / len(said)
        return mean

    def export(self, slots: NDArray[np.int64]) -> Arrays:
        """The state carried in these slots (S,): ``carried`` (S, width), a copy."""
        return {"carried": np.concatenate([state.take(slots, axis=0) for state in self._states], axis=1)}

    def restore(self, arrays: Arrays, hosts: int) -> None:
        """Carry what ``export`` gave for ``hosts`` slots, the i-th in slot i. Raises StateError."""
        widths = np.cumsum([state.shape[1] for state in self._states])
        both = np.zeros((0, widths[-1]), dtype=np.float32)
        parts = np.split(taken(arrays, "carried", both, hosts), widths[:-1], axis=1)
        self._states = [np.array(part, order="C") for part in parts]

    def _reserve(self, capacity: int) -> None:
        for place, state in enumerate(self._states):
            if capacity > len(state):
                wider = np.zeros((max(capacity, 2 * len(state)), state.shape[1]), dtype=np.float32)
                wider[: len(state)] = state
                self._states[place] = wider
