"""What the judges need of each connection: a few bits, two times, two addresses, a port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zeekml.arrays import Arrays, below, pack_texts, taken, under, unpack_texts
from zeekml.health.coded import Coded
from zeekml.health.flags import flags_of
from zeekml.table import Frame, Table

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """N connections in log order: ``ts`` and ``end`` (epoch s), ``orig`` and ``resp`` (addresses as the log has them),
    ``orig_p``, and ``flags``, the bits of `zeekml.health.flags`."""

    flags: npt.NDArray[np.int32]
    ts: Floats
    end: Floats
    orig: Coded
    resp: Coded
    orig_p: npt.NDArray[np.int32]

    @classmethod
    def none(cls) -> Self:
        """No rows."""
        text, times = Coded.gathered(()), np.empty(0)
        return cls(np.empty(0, dtype=np.int32), times, times, text, text, np.empty(0, dtype=np.int32))

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """The rows of a batch frame."""
        table = Table.of(frame)
        ts = table.number("ts")
        return cls(
            flags_of(table),
            ts,
            ts + np.nan_to_num(table.number("duration"), nan=0.0),
            Coded.of(table.label("id.orig_h")),
            Coded.of(table.label("id.resp_h")),
            table.port("id.orig_p"),
        )

    def __len__(self) -> int:
        return len(self.flags)

    def __getitem__(self, rows: slice | Mask) -> Rows:
        return Rows(
            self.flags[rows],
            self.ts[rows],
            self.end[rows],
            self.orig[rows],
            self.resp[rows],
            self.orig_p[rows],
        )

    def has(self, bits: int) -> Mask:
        """(N,) which rows have all these bits."""
        return np.asarray((self.flags & bits) == bits)

    def then(self, other: Rows) -> Rows:
        """These rows and then the others."""
        if not len(self):
            return other
        return Rows(
            np.concatenate([self.flags, other.flags]),
            np.concatenate([self.ts, other.ts]),
            np.concatenate([self.end, other.end]),
            self.orig.then(other.orig),
            self.resp.then(other.resp),
            np.concatenate([self.orig_p, other.orig_p]),
        )

    def compact(self) -> Rows:
        """The same rows as copies, which hold on to nothing else."""
        return Rows(
            self.flags.copy(),
            self.ts.copy(),
            self.end.copy(),
            self.orig.compact(),
            self.resp.compact(),
            self.orig_p.copy(),
        )

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
        flags, ts, end, orig_p = (
            taken(arrays, name, getattr(empty, name), count) for name in ("flags", "ts", "end", "orig_p")
        )
        orig, resp = (Coded.gathered(unpack_texts(below(name, arrays))) for name in ("orig", "resp"))
        for name, texts in (("orig", orig), ("resp", resp)):
            taken({name: texts.codes}, name, empty.orig_p, count)
        return cls(flags, ts, end, orig, resp, orig_p)
