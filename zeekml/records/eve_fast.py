"""Suricata's flow events read in machine code; what is unusual about a line is left to :mod:`eve`.

Nothing is accepted here that the exact path would reject or read otherwise; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import of_numbers, of_texts
from zeekml.records import columns as memory
from zeekml.records.columns import Columns, FastRows, room_for, taken
from zeekml.records.frame import arrow_type
from zeekml.records.kernels import eve, tsv
from zeekml.records.kernels.objects import RECORD, key_words
from zeekml.records.kernels.texts import SEED
from zeekml.records.lines import Content
from zeekml.records.schema import COLUMNS

_NUMBERS: Final = {
    "ts": eve.TS,
    "duration": eve.DURATION,
    "orig_pkts": eve.ORIG_PKTS,
    "orig_ip_bytes": eve.ORIG_IP_BYTES,
    "resp_pkts": eve.RESP_PKTS,
    "resp_ip_bytes": eve.RESP_IP_BYTES,
}
_PORTS: Final = {"id.orig_p": 0, "id.resp_p": 1}
_LABELS: Final = {
    "id.orig_h": eve.ORIG_H,
    "id.resp_h": eve.RESP_H,
    "proto": eve.PROTO,
    "service": eve.SERVICE,
}
_KINDS: Final = 256  # of ICMP messages
_MOST: Final = 1 << 30  # bytes


class FastEve:
    """Reads whole blocks of one file.

    ``protocols`` and ``services``: what Zeek calls those that Suricata names otherwise, None for none. ``answers``:
    the type of the answer to each ICMP message and to each of ICMPv6.
    """

    def __init__(
        self,
        protocols: Mapping[str, str],
        services: Mapping[str, str | None],
        answers: tuple[Mapping[int, int], Mapping[int, int]],
    ) -> None:
        self._names = {"proto": protocols, "service": services}
        self._answers = np.full((2, _KINDS), -1, dtype=np.int64)
        for version, pairs in enumerate(answers):
            self._answers[version, list(pairs)] = list(pairs.values())
        keys = [key for level in eve.KEYS for key in level]
        self._keys = key_words(keys)
        self._levels = np.cumsum([0, *map(len, eve.KEYS)], dtype=np.int64)
        self._opens = np.zeros(len(keys), dtype=np.int64)
        self._opens[keys.index("flow")], self._opens[keys.index("tcp")] = 1, 2
        self._records = np.zeros((len(keys), RECORD // 8), dtype=np.uint64)
        self._used = [0] * (max(memory.KINDS.values()) + 1)
        self._used[memory.NUMBER], self._used[memory.PORT] = len(_NUMBERS), len(_PORTS)
        self._used[memory.LABEL], self._used[memory.TEXT] = len(_LABELS), 1
        self._room = room_for(self)

    def read(self, data: Content) -> tuple[FastRows, int] | None:
        """Return the flows in ``data`` and how many other events there are; None for more than can be read so."""
        if len(data) > _MOST:
            return None
        raw = np.frombuffer(data, dtype=np.uint8)
        most = tsv.count_lines(raw) + 1
        read = Columns(self._used, most, len(data), self._room)
        states = np.empty(most, dtype=np.int32)
        places, odd = read.places, np.empty((most, 2), dtype=np.int64)
        counts = np.zeros(5, dtype=np.int64)
        eve.read_lines(
            raw, self._keys, self._levels, self._opens, self._answers, SEED, self._records, *read.arrays, states,
            places, odd, counts,
        )  # fmt: skip
        rows, count, strange, written, others = map(int, counts)
        read.close(written)
        table = pa.table(self._arrays(read, states[:rows]))
        return FastRows(table, places[:rows], odd[:strange], count, len(data)), others

    def _arrays(self, read: Columns, states: npt.NDArray[np.int32]) -> dict[str, pa.Array]:
        rows = len(states)
        arrays: dict[str, pa.Array] = {}
        for column in COLUMNS:
            name = column.name
            if name in _NUMBERS:
                arrays[name] = read.array("number", _NUMBERS[name], rows)
            elif name in _PORTS:
                arrays[name] = read.array("port", _PORTS[name], rows)
            elif name in self._names:
                arrays[name] = self._named(name, read, rows)
            elif name in _LABELS:
                arrays[name] = read.labelled(_LABELS[name], rows, lower=False)
            elif name == "uid":
                arrays[name] = read.array("string", 0, rows)
            elif name == "conn_state":
                arrays[name] = pa.DictionaryArray.from_arrays(
                    of_numbers(states), of_texts(eve.STATES, pa.string())
                )
            else:
                arrays[name] = pa.nulls(rows, arrow_type(column))
        return arrays

    def _named(self, name: str, read: Columns, rows: int) -> pa.Array:
        """Labels as Zeek names them."""
        texts = read.labels(_LABELS[name]).to_pylist()
        if name == "proto":
            texts = [text.lower() for text in texts]
        return taken([self._names[name].get(text, text) for text in texts], read.codes(_LABELS[name], rows))
