"""Runs a bundle's ONNX graph over blocks of connections, where PyTorch is too big."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays, taken
from zeekml.errors import BundleError, ModelError
from zeekml.features import Block, Encoding
from zeekml.scoring.graph import state_width
from zeekml.scoring.manifest import NetworkSizes
from zeekml.scoring.pieces import pieces, turns

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from zeekml.features.connection import Floats

#: Steps that are encoded and pass the graph at once: as many as stay in the cache.
_MOST_STEPS: Final = 4096


class OnnxRunner:
    """A graph in use over one stream; it does what ``Runner`` does, and carries the same state."""

    def __init__(self, session: InferenceSession, encoding: Encoding, sizes: NetworkSizes) -> None:
        self._session = session
        self._encoding = encoding
        self._sizes = sizes
        self._flow = sizes.layout == "flow"
        self._state = np.zeros((0, state_width(sizes)), dtype=np.float32)

    @property
    def reserved(self) -> int:
        """Hosts for whose state there is memory."""
        return len(self._state)

    def logits(self, block: Block) -> Floats:
        """Logits (N, K) of a block in log order; the state of its hosts is carried on."""
        return self._one_by_one(block) if self._flow else self._in_sequence(block)

    def export(self, slots: NDArray[np.int64]) -> Arrays:
        """The state carried in these slots (S,): ``carried`` (S, width), a copy; nothing in ``flow`` layout."""
        return {} if self._flow else {"carried": self._state.take(slots, axis=0)}

    def restore(self, arrays: Arrays, hosts: int) -> None:
        """Carry what ``export`` gave for ``hosts`` slots, the i-th in slot i. Raises StateError."""
        if not self._flow:
            self._state = taken(arrays, "carried", self._state, hosts).copy()

    def _one_by_one(self, block: Block) -> Floats:
        most = max(_MOST_STEPS // self._sizes.length, 1)
        out = np.empty((len(block.matrix), self._sizes.classes), dtype=np.float32)
        for at in range(0, len(out), most):
            x = self._encoding.encode(block.matrix[at : at + most])[:, :, None]
            (out[at : at + most],) = self._session.run(["logits"], {"x": x})
        return out

    def _in_sequence(self, block: Block) -> Floats:
        self._reserve(int(block.slots.max()) + 1)
        in_log_order = np.empty((len(block.order), self._sizes.classes), dtype=np.float32)
        starts, lengths = block.runs.starts, block.runs.ends - block.runs.starts
        # A host that started anew within the block has several runs in one slot: they follow each other.
        for turn in turns(block.slots):
            slots = block.slots[turn]
            self._state[slots[block.fresh[turn]]] = 0
            for runs, done, steps in pieces(lengths[turn], _MOST_STEPS):
                rows = block.order[starts[turn[runs], None] + done[:, None] + np.arange(steps)]  # (B, L)
                in_log_order[rows] = self._step(rows, block.matrix, slots[runs])
        return in_log_order

    def _step(self, rows: NDArray[np.int64], matrix: Floats, slots: NDArray[np.int64]) -> Floats:
        """Logits (B, L, K) of the next pieces of B hosts."""
        x = self._encoding.encode(matrix[rows.ravel()]).reshape(*rows.shape, -1)
        if not self._state.shape[1]:
            (logits,) = self._session.run(["logits"], {"x": x})
        else:
            given = {"x": x, "carried": self._state[slots]}
            logits, self._state[slots] = self._session.run(["logits", "carried_on"], given)
        said: Floats = logits
        return said

    def _reserve(self, capacity: int) -> None:
        if capacity > len(self._state):
            wider = np.zeros((max(capacity, 2 * len(self._state)), self._state.shape[1]), dtype=np.float32)
            wider[: len(self._state)] = self._state
            self._state = wider


def session_of(graph: bytes, sizes: NetworkSizes, threads: int | None = None) -> InferenceSession:
    """A session of ONNX Runtime on a bundle's graph. Raises ModelError where it is not installed, or BundleError."""
    if importlib.util.find_spec("onnxruntime") is None:
        raise ModelError(
            "this bundle holds an ONNX graph, which needs onnxruntime, not installed here: pip install 'zeekml[onnx]', "
            "or name the bundle that it was exported from"
        )
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads or 1, 1
    # Threads that wait for work in a loop would keep an idle sensor busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise BundleError(
            f"the bundle's ONNX graph cannot be loaded ({str(error).strip():.200}); export it again"
        ) from error
    found = _described(session)
    expected = _expected(sizes)
    if found != expected:
        raise BundleError(f"the bundle's ONNX graph has {found}, expected {expected}; export it again")
    return session


def _described(session: InferenceSession) -> str:
    return ", ".join(
        f"{one.name} {one.type}{_shape(one.shape)}" for one in (*session.get_inputs(), *session.get_outputs())
    )


def _expected(sizes: NetworkSizes) -> str:
    """What the inputs and outputs of a graph for this network are."""
    width = state_width(sizes)
    shapes: list[tuple[str, list[int | str]]]
    if sizes.layout == "flow":
        shapes = [("x", ["*", sizes.length, 1]), ("logits", ["*", sizes.classes])]
    elif not width:
        shapes = [("x", ["*", "*", sizes.channels]), ("logits", ["*", "*", sizes.classes])]
    else:
        shapes = [
            ("x", ["*", "*", sizes.channels]),
            ("carried", ["*", width]),
            ("logits", ["*", "*", sizes.classes]),
            ("carried_on", ["*", width]),
        ]
    return ", ".join(f"{name} tensor(float){_shape(shape)}" for name, shape in shapes)


def _shape(sizes: list[int | str]) -> str:
    return f"({', '.join(str(size) if isinstance(size, int) else '*' for size in sizes)})"
