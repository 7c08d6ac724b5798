"""Made stretches of a log: one of a healthy network, and one for each thing that can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from tests.builders import frame_of, row

Rows = list[dict[str, object]]
START: Final = 1_700_000_000.0


def healthy(rng: np.random.Generator, count: int, at: float) -> Rows:
    """Desktops that resolve names and read the web, with a name service that does not always answer."""
    return [_ordinary(rng, at + i) for i in range(count)]


def _ordinary(rng: np.random.Generator, ts: float) -> dict[str, object]:
    host = f"192.168.1.{10 + rng.integers(6)}"
    if rng.random() < 0.4:
        answered = rng.random() < 0.9
        return row(
            ts=ts, id_orig_h=host, id_resp_h="192.168.1.1", id_resp_p=53, proto="udp", service="dns", duration=0.02,
            conn_state="SF" if answered else "S0", history="Dd" if answered else "D", orig_bytes=40.0,
            resp_bytes=90.0 if answered else 0.0, orig_pkts=1.0, resp_pkts=1.0 if answered else 0.0, local_resp=True,
        )  # fmt: skip
    peer = f"198.51.100.{1 + rng.integers(60)}"
    return row(ts=ts, id_orig_h=host, id_orig_p=int(rng.integers(49152, 65536)), id_resp_h=peer)


def bad_checksums(rng: np.random.Generator, count: int, at: float) -> Rows:
    """Of the machine that captures, what it sends is dropped: a query is gone, its answer stands alone."""
    rows = healthy(rng, count, at)
    for each in rows:
        each.update(
            {"conn_state": "SHR", "history": "Cd"}
            if each["proto"] == "udp"
            else {"conn_state": "OTH", "history": "C", "orig_bytes": None, "resp_bytes": None}
        )
    return rows


def one_sided(rng: np.random.Generator, count: int, at: float) -> Rows:
    """A mirror port that gives what clients send and nothing else."""
    rows = healthy(rng, count, at)
    for each in rows:
        each.update({"resp_bytes": 0.0, "resp_pkts": 0.0, "conn_state": "S0"})
        each["history"] = "D" if each["proto"] == "udp" else "SADF"
    return rows


def reversed_roles(rng: np.random.Generator, count: int, at: float) -> Rows:
    """A quarter are late packets of a controller that is polled."""
    rows = healthy(rng, count, at)
    for each in rows[::4]:
        late = row(
            ts=each["ts"], id_orig_h="192.168.1.90", id_orig_p=102, id_resp_h="192.168.1.10", id_resp_p=51000,
            conn_state="RSTOS0", history="DR", service=None, resp_bytes=0.0, resp_pkts=0.0,
        )  # fmt: skip
        each.update(late)
    return rows


def missed_bytes(rng: np.random.Generator, count: int, at: float) -> Rows:
    """A sensor that is too slow."""
    rows = healthy(rng, count, at)
    for each in rows:
        if each["proto"] == "tcp" and rng.random() < 0.4:
            each["missed_bytes"] = 1448.0
    return rows


def shared_address(rng: np.random.Generator, count: int, at: float) -> Rows:
    """The sensor stands outside of a router that translates addresses; Linux and other systems are behind it."""
    rows = healthy(rng, count, at)
    for each in rows:
        low, high = ((32768, 61000), (49152, 65536))[int(rng.integers(2))]
        each.update({"id.orig_h": "192.168.1.254", "id.orig_p": int(rng.integers(low, high))})
    return rows


def proxied(rng: np.random.Generator, count: int, at: float) -> Rows:
    """Clients talk to a proxy, which talks to the world."""
    rows = healthy(rng, count, at)
    for each in rows:
        if each["proto"] == "tcp" and rng.random() < 0.5:
            each.update({"id.resp_h": "192.168.1.5", "id.resp_p": 3128, "local_resp": True})
        elif each["proto"] == "tcp":
            each.update({"id.orig_h": "192.168.1.5"})
    return rows


def scan(rng: np.random.Generator, count: int, at: float) -> Rows:
    """One bot scans; the rest of the network goes on."""
    return [
        row(
            ts=at + i / 50, id_orig_h="192.168.1.77", id_orig_p=int(rng.integers(1024, 65536)),
            id_resp_h=f"203.0.113.{rng.integers(256)}", id_resp_p=23, conn_state="S0", history="S", duration=None,
            orig_bytes=None, resp_bytes=None, orig_pkts=1.0, resp_pkts=0.0, service=None,
        )
        if rng.random() < 0.95
        else _ordinary(rng, at + i / 50)
        for i in range(count)
    ]  # fmt: skip


Stretch = Callable[[np.random.Generator, int, float], Rows]
STRETCHES: Final[Mapping[str, Stretch]] = {
    "healthy": healthy,
    "bad-checksums": bad_checksums,
    "one-sided": one_sided,
    "reversed": reversed_roles,
    "missed-bytes": missed_bytes,
    "shared-address": shared_address,
    "proxy": proxied,
    "scan": scan,
}


def log_of(*parts: tuple[str, int], seed: int = 0) -> pd.DataFrame:
    """A log of stretches, one after the other. ``("pause", s)`` and ``("back", s)`` move the clock on or back."""
    return frame_of(_rows(parts, np.random.default_rng(seed)))


def _rows(parts: tuple[tuple[str, int], ...], rng: np.random.Generator) -> Iterator[dict[str, object]]:
    at = START
    for kind, size in parts:
        if kind in STRETCHES:
            rows = STRETCHES[kind](rng, size, at)
            yield from rows
            at = float(str(rows[-1]["ts"])) + 1.0 if rows else at
        else:
            at += size if kind == "pause" else -size


def with_history(text: str, history: str, *, first: int = 0, last: int | None = None) -> str:
    """A conn.log in TSV whose connections from ``first`` to before ``last`` have this history."""
    lines = text.splitlines(keepends=True)
    header = next(line for line in lines if line.startswith("#fields"))
    place = header.rstrip("\n").split("\t").index("history") - 1
    rows = [at for at, line in enumerate(lines) if not line.startswith("#")]
    for at in rows[first:last]:
        cells = lines[at].split("\t")
        cells[place] = history
        lines[at] = "\t".join(cells)
    return "".join(lines)
