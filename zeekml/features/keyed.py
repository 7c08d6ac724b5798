"""A table from 64-bit keys to slots of plain arrays: the memory of hosts and of pairs between batches.

Keys are kept sorted, so a lookup of many keys is one binary search without a Python loop, and the same log always
gives the same table. Slots stay where they are for as long as a key is held, so other arrays (the network's carried
state) may be indexed by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays, taken

Keys = NDArray[np.uint64]
Slots = NDArray[np.int64]


def mix(*parts: NDArray[Any]) -> Keys:
    """Combine columns of integers into one 64-bit key a row (the finaliser of SplitMix64, Steele et al. 2014)."""
    key = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        key = (key ^ part.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    return key


class KeyedTable:
    """Arrays with one row a key. Fields are given as ``name=(dtype, shape of one row, value when new)``; value None:
    whoever adds a key writes what counts of the row."""

    def __init__(self, **fields: tuple[Any, tuple[int, ...], Any]) -> None:
        self._keys: Keys = np.empty(0, dtype=np.uint64)
        self._slots: Slots = np.empty(0, dtype=np.int64)
        self._free: Slots = np.empty(0, dtype=np.int64)
        self.capacity = 0
        self._fields = fields
        self._arrays = {name: np.empty((0, *shape), dtype) for name, (dtype, shape, _) in fields.items()}

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, field: str) -> NDArray[Any]:
        """The array (capacity, ...) of one field, indexed by slot; write into it to change the table."""
        return self._arrays[field]

    @property
    def keys(self) -> Keys:
        """(len,) all keys held, ascending."""
        return self._keys

    @property
    def slots(self) -> Slots:
        """(len,) the slot of each of ``keys``."""
        return self._slots

    def lookup(self, keys: Keys) -> Slots:
        """The slot of each key, -1 where it is not held."""
        if not len(self._keys):
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._slots[at], -1)

    def insert(self, keys: Keys) -> Slots:
        """Add keys that are ascending, distinct and not held yet; their fields take the value of a new row."""
        if len(self._free) < len(keys):
            self._grow(len(keys) - len(self._free))
        slots, self._free = self._free[: len(keys)], self._free[len(keys) :]
        at = np.searchsorted(self._keys, keys)
        self._keys = np.insert(self._keys, at, keys)
        self._slots = np.insert(self._slots, at, slots)
        for name, (_, _, fresh) in self._fields.items():
            if fresh is not None:
                self._arrays[name][slots] = fresh
        return slots

    def remove(self, slots: Slots) -> None:
        """Forget the keys that hold these slots."""
        gone = np.zeros(self.capacity, dtype=bool)
        gone[slots] = True
        keep = ~gone[self._slots]
        self._keys, self._slots = self._keys[keep], self._slots[keep]
        # In their order, so that what is added next lies together.
        self._free = np.sort(np.concatenate([self._free, slots]))

    def export(self) -> Arrays:
        """What is held, by ascending key: ``keys`` (len,) and every field (len, ...), as copies."""
        held = {name: array.take(self._slots, axis=0) for name, array in self._arrays.items()}
        return {"keys": self._keys.copy(), **held}

    def restore(self, arrays: Arrays) -> None:
        """Hold what `export` gave, and nothing else; the i-th key has slot i. Raises StateError."""
        keys = taken(arrays, "keys", self._keys, len(arrays.get("keys", ())))
        fields = {name: taken(arrays, name, array, len(keys)) for name, array in self._arrays.items()}
        self._arrays = {name: array[:0] for name, array in self._arrays.items()}
        self._free, self.capacity = self._free[:0], 0
        self._grow(len(keys))
        self._keys, self._slots = keys.copy(), np.arange(len(keys))
        self._free = self._free[len(keys) :]
        for name, array in fields.items():
            self._arrays[name][: len(keys)] = array

    def _grow(self, missing: int) -> None:
        capacity = max(1024, self.capacity + missing, self.capacity + self.capacity // 2)
        for name, array in self._arrays.items():
            wider = np.empty((capacity, *array.shape[1:]), array.dtype)
            wider[: self.capacity] = array
            self._arrays[name] = wider
        self._free = np.concatenate([self._free, np.arange(self.capacity, capacity)])
        self.capacity = capacity
