"""Runs a network over blocks of connections, carrying each host's state from block to block."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeekml.arrays import Arrays, taken
from zeekml.features import Block, Encoding
from zeekml.networks import Network, State
from zeekml.scoring.ensemble import Ensemble
from zeekml.scoring.pieces import pieces, turns

#: Rows that are encoded and pass the stem at once: as many as stay in the cache.
_CHUNK = 4096
#: Steps that pass the layers at once: bounds memory, whatever the lengths.
_MOST_STEPS = 1 << 14


class Runner:
    """One network, or several as one, in use over one stream; ``window`` layout carries state, ``flow`` needs none."""

    def __init__(self, network: Network | Ensemble, encoding: Encoding) -> None:
        self._network = network.eval()
        self._encoding = encoding
        self._shapes = [tuple(part.shape[1:]) for layer in network.initial(1) for part in layer]
        self._parts = [len(layer) for layer in network.initial(1)]
        self._state = np.zeros((0, sum(int(np.prod(shape)) for shape in self._shapes)), dtype=np.float32)

    @property
    def reserved(self) -> int:
        """Hosts for whose state there is memory."""
        return len(self._state)

    def logits(self, block: Block) -> NDArray[np.float32]:
        """Logits (N, K) of a block in log order; the state of its hosts is carried on."""
        with torch.inference_mode():
            if self._network.config.layout == "flow":
                return self._flow(block)
            return self._window(block)

    def export(self, slots: NDArray[np.int64]) -> Arrays:
        """The state carried in these slots (S,): ``carried`` (S, width), a copy; nothing in ``flow`` layout."""
        if self._network.config.layout == "flow":
            return {}
        return {"carried": self._state.take(slots, axis=0)}

    def restore(self, arrays: Arrays, hosts: int) -> None:
        """Carry what `export` gave for ``hosts`` slots, the i-th in slot i. Raises StateError."""
        if self._network.config.layout == "window":
            self._state = taken(arrays, "carried", self._state, hosts).copy()

    def _flow(self, block: Block) -> NDArray[np.float32]:
        parts = [
            self._network(
                torch.from_numpy(self._encoding.encode(block.matrix[at : at + _CHUNK]))[:, :, None]
            ).numpy()
            for at in range(0, len(block.matrix), _CHUNK)
        ]
        return np.concatenate(parts)

    def _window(self, block: Block) -> NDArray[np.float32]:
        stemmed = self._stemmed(block)
        self._reserve(int(block.slots.max()) + 1)
        logits = torch.empty((len(block.order), self._network.config.classes))
        starts, lengths = block.runs.starts, block.runs.ends - block.runs.starts
        # A host that started anew within the block has several runs in one slot: they follow each other.
        for turn in turns(block.slots):
            slots = block.slots[turn]
            self._state[slots[block.fresh[turn]]] = 0
            for runs, done, steps in pieces(lengths[turn], _MOST_STEPS):
                rows = torch.from_numpy(starts[turn[runs], None] + done[:, None] + np.arange(steps))  # (B, L)
                logits[rows], state = self._network.step(stemmed[rows], self._load(slots[runs]))
                self._store(slots[runs], state)
        in_log_order = np.empty(tuple(logits.shape), dtype=np.float32)
        in_log_order[block.order] = logits.numpy()
        return in_log_order

    def _stemmed(self, block: Block) -> Tensor:
        """The stem's output (N, H) in host order."""
        parts = [
            self._network.stem(torch.from_numpy(self._encoding.encode(block.matrix[rows])))
            for rows in (block.order[at : at + _CHUNK] for at in range(0, len(block.order), _CHUNK))
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _reserve(self, capacity: int) -> None:
        if capacity > len(self._state):
            wider = np.zeros((max(capacity, 2 * len(self._state)), self._state.shape[1]), dtype=np.float32)
            wider[: len(self._state)] = self._state
            self._state = wider

    def _load(self, slots: NDArray[np.int64]) -> State:
        flat = torch.from_numpy(self._state[slots])
        tensors = [
            part.reshape(len(slots), *shape)
            for part, shape in zip(
                torch.split(flat, [int(np.prod(shape)) for shape in self._shapes], dim=1),
                self._shapes,
                strict=True,
            )
        ]
        state, at = [], 0
        for count in self._parts:
            state.append(tuple(tensors[at : at + count]))
            at += count
        return state

    def _store(self, slots: NDArray[np.int64], state: State) -> None:
        tensors = [part.reshape(len(slots), -1) for layer in state for part in layer]
        if tensors:
            self._state[slots] = torch.cat(tensors, dim=1).numpy()
