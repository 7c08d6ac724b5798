"""What the judges need of each connection: a few bits, two times, two addresses, a port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from zeekml.addresses import group_mask, local_mask
from zeekml.arrays import Arrays, below, pack_texts, taken, under, unpack_texts
from zeekml.categories import by_category

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

#: Bits of ``flags``.
KNOWN: Final = 1 << 0  # the history is set
BAD: Final = 1 << 1  # a packet with a bad checksum, from either side
TCP: Final = 1 << 2
UNICAST: Final = 1 << 3  # TCP or UDP to one host: neither multicast nor broadcast
ANSWERED: Final = 1 << 4  # the responder sent something
DATA: Final = 1 << 5  # payload from either side
BOTH_DATA: Final = 1 << 6  # payload from both sides
MISSED: Final = 1 << 7  # bytes of the payload were not seen
HALF: Final = 1 << 8  # only one side of a conversation was seen
REVERSED: Final = 1 << 9  # begins in the middle, at the side of the service
INSIDE: Final = 1 << 10  # the originator is local
OUTWARD: Final = 1 << 11  # from inside to outside

_SERVICE_PORTS: Final = 1024  # those below are no system's choice for a connection of its own (RFC 6335)
_ANSWERED_STATES: Final = frozenset(("SF", "S1", "S2", "S3", "RSTO", "RSTR", "RSTRH", "REJ", "SHR"))
_FEWEST_HALF: Final = 3
"""Packets of a side that is alone: a flood or a stray answer is one or two, and nobody looked away."""


@dataclass(frozen=True, slots=True)
class Rows:
    """N connections in log order: ``ts`` and ``end`` (epoch s), ``orig`` and ``resp`` (addresses as the log has them),
    ``orig_p``, and ``flags``, the bits above."""

    flags: npt.NDArray[np.int32]
    ts: Floats
    end: Floats
    orig: npt.NDArray[np.object_]
    resp: npt.NDArray[np.object_]
    orig_p: npt.NDArray[np.int32]

    @classmethod
    def none(cls) -> Self:
        """No rows."""
        text = np.empty(0, dtype=np.object_)
        times = np.empty(0)
        return cls(np.empty(0, dtype=np.int32), times, times, text, text, np.empty(0, dtype=np.int32))

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """The rows of a batch frame."""
        ts = frame["ts"].to_numpy(dtype=np.float64)
        duration = np.nan_to_num(frame["duration"].to_numpy(dtype=np.float64), nan=0.0)
        return cls(
            _flags(frame),
            ts,
            ts + duration,
            _texts(frame["id.orig_h"]),
            _texts(frame["id.resp_h"]),
            frame["id.orig_p"].to_numpy(dtype=np.int32),
        )

    def __len__(self) -> int:
        return len(self.flags)

    def __getitem__(self, rows: slice | Mask) -> Rows:
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def has(self, bits: int) -> Mask:
        """(N,) which rows have all these bits."""
        return np.asarray((self.flags & bits) == bits)

    def then(self, other: Rows) -> Rows:
        """These rows and then the others."""
        if not len(self):
            return other
        parts = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Rows(*(np.concatenate(pair) for pair in parts))

    def export(self) -> Arrays:
        """The rows as arrays, copied."""
        return {
            "flags": self.flags.copy(),
            "ts": self.ts.copy(),
            "end": self.end.copy(),
            "orig_p": self.orig_p.copy(),
            **under("orig", pack_texts(self.orig.tolist())),
            **under("resp", pack_texts(self.resp.tolist())),
        }

    @classmethod
    def restored(cls, arrays: Arrays) -> Self:
        """The rows that `export` gave. Raises StateError."""
        empty, count = cls.none(), len(arrays.get("flags", ()))
        texts = [np.array(unpack_texts(below(name, arrays)), dtype=np.object_) for name in ("orig", "resp")]
        held = {
            name: taken(arrays, name, getattr(empty, name), count)
            for name in ("flags", "ts", "end", "orig_p")
        }
        for name, text in zip(("orig", "resp"), texts, strict=True):
            held[name] = taken({name: text}, name, empty.orig, count)
        return cls(**held)


def _flags(frame: pd.DataFrame) -> npt.NDArray[np.int32]:
    letters, state, proto = (
        _bits(frame[name], of)
        for name, of in (("history", _letters), ("conn_state", _state), ("proto", _protocol))
    )
    orig_port, resp_port = (frame[name].to_numpy() for name in ("id.orig_p", "id.resp_p"))
    sent, got, missed = (_positive(frame[name]) for name in ("orig_bytes", "resp_bytes", "missed_bytes"))
    packets = frame["orig_pkts"].to_numpy(), frame["resp_pkts"].to_numpy()

    known, bad, started, goes_on, by_resp, one_side = ((letters & bit) > 0 for bit in _LETTERS)
    answered, response = (state & 1) > 0, (state & 2) > 0
    tcp, over_ports = (proto & 1) > 0, proto > 0
    unicast = over_ports & ~by_category(frame["id.resp_h"], group_mask)
    inside = local_mask(frame["local_orig"], frame["id.orig_h"])

    # A packet of the handshake alone proves nothing: a scan looks like that. One side that goes on does.
    alone = tcp & goes_on & one_side & (np.fmax(*packets) >= _FEWEST_HALF)
    midstream = tcp & known & ~bad & ~started
    bits = (
        (KNOWN, known),
        (BAD, bad),
        (TCP, tcp),
        (UNICAST, unicast),
        (ANSWERED, (packets[1] > 0) | by_resp | answered),
        (DATA, sent | got),
        (BOTH_DATA, sent & got),
        (MISSED, missed),
        (HALF, unicast & known & ~bad & (alone | response)),
        (REVERSED, midstream & (orig_port < _SERVICE_PORTS) & (resp_port >= _SERVICE_PORTS)),
        (INSIDE, inside),
        (OUTWARD, inside & ~local_mask(frame["local_resp"], frame["id.resp_h"])),
    )
    flags = np.zeros(len(frame), dtype=np.int32)
    for bit, mask in bits:
        flags |= mask * np.int32(bit)
    return flags


_LETTERS: Final = tuple(1 << place for place in range(6))
"""Bits of a history: set at all; bad checksums; the beginning was seen; a side went on after it; the responder sent
something; all is of one side."""


@lru_cache(maxsize=1 << 14)
def _letters(history: str) -> int:
    letters = set(history)
    sides = (letters - {"C", "c"}) & _UPPER, (letters - {"C", "c"}) & _LOWER
    told = (
        True,
        bool(letters & {"C", "c"}),
        bool(letters & {"S", "s", "H", "h"}),
        bool(letters & {"A", "D", "F", "a", "d", "f"}),
        bool(sides[1]),
        bool(sides[0]) != bool(sides[1]),
    )
    return sum(bit for bit, true in zip(_LETTERS, told, strict=True) if true)


_UPPER: Final = frozenset(ascii_uppercase)
_LOWER: Final = frozenset(ascii_lowercase)


def _state(state: str) -> int:
    """1: the responder sent something; 2: only a response was seen."""
    return (state in _ANSWERED_STATES) + 2 * (state == "SHR")


def _protocol(proto: str) -> int:
    """1: TCP; 2: UDP."""
    return 1 if proto == "tcp" else 2 * (proto == "udp")


def _bits(column: pd.Series[Any], of: Callable[[str], int]) -> npt.NDArray[np.int32]:
    """A number for each row of a category column by its text; 0 where unset."""
    by_code = np.array([*map(of, column.cat.categories), 0], dtype=np.int32)  # code -1, unset, takes the last
    return by_code[column.cat.codes.to_numpy()]


def _positive(column: pd.Series[Any]) -> Mask:
    """Where a number is above 0; unset is not."""
    return np.asarray(column.to_numpy(dtype=np.float64) > 0)


def _texts(column: pd.Series[Any]) -> npt.NDArray[np.object_]:
    """The values of a category column as Python's own texts, one object for each distinct one."""
    categories = column.cat.categories.to_numpy(dtype=np.object_)
    return np.asarray(categories[column.cat.codes.to_numpy()])
