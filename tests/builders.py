"""Batch frames, networks and bundles of our own making, for the tests of features, scoring and training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from zeekml.features import LAYOUT, Encoding, StateLimits, StreamState, features
from zeekml.networks import Network, NetworkConfig, build
from zeekml.records.schema import COLUMNS
from zeekml.records.to_arrow import to_arrow
from zeekml.scoring.bundle import CARD, METRICS
from zeekml.scoring.store import arrays_of, save_bundle
from zeekml.table import Table

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_DTYPES = {"time": "float64", "number": "float64", "port": "int32", "bool": "boolean", "string": "str"}

ROW: Mapping[str, object] = {
    "ts": 1_700_000_000.0,
    "uid": "CmAdE0000000000001",
    "id.orig_h": "192.168.1.10",
    "id.orig_p": 40000,
    "id.resp_h": "198.51.100.7",
    "id.resp_p": 443,
    "proto": "tcp",
    "service": "ssl",
    "duration": 1.5,
    "orig_bytes": 1000.0,
    "resp_bytes": 20000.0,
    "conn_state": "SF",
    "local_orig": True,
    "local_resp": False,
    "missed_bytes": 0.0,
    "history": "ShADadFf",
    "orig_pkts": 12.0,
    "orig_ip_bytes": 1632.0,
    "resp_pkts": 18.0,
    "resp_ip_bytes": 20944.0,
}
"""One ordinary TLS connection, as a reader gives it."""


def row(**changes: object) -> dict[str, object]:
    """``ROW`` with some columns changed (None: unset); write ``id_orig_h`` for ``id.orig_h``."""
    return {**ROW, **{name.replace("id_", "id.", 1): value for name, value in changes.items()}}


def frame_of(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Rows as a batch frame, with the dtypes that the readers give."""
    held = list(rows)
    columns: dict[str, Any] = {}
    for column in COLUMNS:
        values = [given[column.name] for given in held]
        if column.kind == "label":
            columns[column.name] = pd.Series(values, dtype="str").astype("category")
        else:
            columns[column.name] = pd.Series(values, dtype=_DTYPES[column.kind])
    return pd.DataFrame(columns, index=pd.RangeIndex(len(held)))


def one(**changes: object) -> pd.DataFrame:
    """A frame of one connection."""
    return frame_of([row(**changes)])


def values_of(frame: pd.DataFrame, limits: StateLimits | None = None) -> list[dict[str, float]]:
    """The features of a whole log by name, a dictionary a row."""
    matrix = features(frame, StreamState(limits or StateLimits()))
    return [dict(zip(LAYOUT.names, map(float, line), strict=True)) for line in matrix]


def matrix_of(frame: pd.DataFrame, limits: StateLimits | None = None) -> Floats:
    """The feature matrix of a whole log."""
    return features(frame, StreamState(limits or StateLimits()))


def arrow_of(frame: pd.DataFrame) -> pa.Table:
    """A batch frame as a reader has it before it is one."""
    return to_arrow(Table.of(frame))


def renumbered(frame: pd.DataFrame) -> pd.DataFrame:
    """A part of a frame as a batch of its own: index from 0, only the categories it uses."""
    part = frame.reset_index(drop=True)
    for name in part.columns:
        if isinstance(part[name].dtype, pd.CategoricalDtype):
            part[name] = part[name].cat.remove_unused_categories()
    return part


def cut(frame: pd.DataFrame, places: Iterable[int]) -> list[pd.DataFrame]:
    """A frame cut into batches before the rows ``places``."""
    edges = sorted({0, len(frame), *(place for place in places if 0 < place < len(frame))})
    return [renumbered(frame.iloc[start:stop]) for start, stop in pairwise(edges)]


# What random logs are made of: few of everything, so that hosts, pairs and ports meet again and again. Times are
# multiples of 1/8 s, which float64 holds exactly, and go back and forth.
_STEPS = (0.0, 0.125, 0.5, 3.0, 25.0, 60.0, 130.0, -4.0, -40.0, -150.0)
_HOSTS = ("192.168.1.10", "192.168.1.11", "203.0.113.9")
_PEERS = ("198.51.100.1", "198.51.100.2", "198.51.100.3", "192.168.1.20", "192.168.1.255", "224.0.0.251")
_KINDS: tuple[tuple[str, int, str, str | None], ...] = (
    ("tcp", 443, "SF", "ssl"),
    ("tcp", 23, "S0", None),
    ("tcp", 23, "REJ", None),
    ("udp", 53, "SF", "dns"),
    ("udp", 53, "S0", None),
    ("icmp", 3, "OTH", None),
)
_SIZES: tuple[float | None, ...] = (None, 0.0, 60.0, 5000.0)


@st.composite
def logs(draw: st.DrawFn, most: int = 80) -> pd.DataFrame:
    """A small random log."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(_STEPS),
                st.sampled_from(_HOSTS),
                st.sampled_from(_PEERS),
                st.sampled_from(_KINDS),
                st.sampled_from((None, 0.0, 0.25, 20.0)),
                st.sampled_from(_SIZES),
                st.sampled_from(_SIZES),
            ),
            min_size=1,
            max_size=most,
        )
    )
    rows, at = [], 1_700_000_000.0
    for step, host, peer, (proto, port, state, service), duration, sent, received in drawn:
        at += step
        rows.append(
            row(
                ts=at, id_orig_h=host, id_resp_h=peer, id_resp_p=port, proto=proto, conn_state=state,
                service=service, duration=duration, orig_bytes=sent, resp_bytes=received, orig_ip_bytes=sent,
                resp_ip_bytes=received, orig_pkts=1.0, resp_pkts=None if received is None else received // 60,
                local_orig=None, local_resp=None, history=None,
            )
        )  # fmt: skip
    return frame_of(rows)


def cuts(most: int = 80) -> st.SearchStrategy[list[int]]:
    """Places to cut a log before."""
    return st.lists(st.integers(1, most), max_size=12)


def random_log(seed: int, count: int, *, hosts: int = 4, peers: int = 12, step: float = 5.0) -> pd.DataFrame:
    """A longer log drawn from a seed, for tests that need many connections."""
    rng = np.random.default_rng(seed)
    at = 1_700_000_000.0 + np.cumsum(rng.exponential(step, count))
    rows = []
    for i in range(count):
        proto, port, state, service = _KINDS[int(rng.integers(len(_KINDS)))]
        rows.append(
            row(
                ts=float(at[i] - rng.exponential(step)),
                id_orig_h=f"192.168.1.{10 + rng.integers(hosts)}",
                id_resp_h=f"198.51.100.{1 + rng.integers(peers)}",
                id_resp_p=port, proto=proto, conn_state=state, service=service,
                duration=None if rng.random() < 0.3 else float(rng.exponential(2.0)),
                orig_bytes=float(rng.integers(5000)),
            )
        )  # fmt: skip
    return frame_of(rows)


CLASSES = ("Benign", "PortScan", "C&C")


def small_encoding(frame: pd.DataFrame | None = None, *, bins: int = 4) -> Encoding:
    """An encoding fitted to a small log."""
    matrix = features(random_log(0, 200) if frame is None else frame, StreamState(StateLimits()))
    return Encoding.fit(matrix, LAYOUT, bins=bins)


def small_network(encoding: Encoding, *, name: str = "Res-1DCNN-LSTM", layout: str = "window") -> Network:
    """An untrained network for an encoding, the same at every call."""
    torch.manual_seed(3)
    flow = layout == "flow"
    config = NetworkConfig(
        name=name,
        layout="flow" if flow else "window",
        channels=1 if flow else encoding.channels,
        classes=len(CLASSES),
        width=8,
        depth=2,
        length=encoding.channels if flow else 0,
    )
    return build(config).eval()


def manifest_of(network: Network, encoding: Encoding) -> dict[str, Any]:
    """What ``save_bundle`` is given for a tiny bundle."""
    config = network.config
    digest = "0" * 64
    return {
        "name": "tiny",
        "version": "1",
        "description": "untrained, for tests",
        "code_version": "0",
        "classes": CLASSES,
        "network": {name: getattr(config, name) for name in config.__slots__} | {"members": 1},
        "layout": {
            "name": LAYOUT.name,
            "version": LAYOUT.version,
            "digest": LAYOUT.digest,
            "features": LAYOUT.names,
        },
        "encoding": {"mode": encoding.mode, "bins": encoding.bins, "used": LAYOUT.names},
        "trees": None,
        "calibration": {"given": [0.0, 1.0], "meant": [-0.5, 1.0]},
        "thresholds": {"connection": 0.5, "connection_fpr": 0.001, "host": 4.0, "host_fpr": 0.01},
        "evidence": {"floor": 0.3, "floor_fpr": 0.01, "half_life": 3600.0},
        "reasons": {"fidelity": 0.5},
        "training": {
            "recipe_sha256": digest,
            "seed": 0,
            "epochs": 1,
            "logs": [{"name": "made", "group": "made", "connections": 1, "sha256": digest}],
        },
    }


def tiny_bundle(
    folder: Path,
    *,
    layout: str = "window",
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    arrays: Mapping[str, NDArray[Any] | None] | None = None,
) -> Path:
    """Write a bundle with an untrained network and return its folder.

    ``change`` may change the manifest before it is saved; ``arrays`` replaces arrays (None: leaves one out).
    """
    encoding = small_encoding()
    network = small_network(encoding, layout=layout)
    rng = np.random.default_rng(0)
    coefficients = rng.normal(size=encoding.channels).astype(np.float32)
    typical = rng.random(encoding.channels).astype(np.float32)
    held = arrays_of(network, encoding, coefficients, typical)
    for name, value in (arrays or {}).items():
        held.pop(name, None)
        if value is not None:
            held[name] = value
    manifest = manifest_of(network, encoding)
    change(manifest)
    save_bundle(folder, manifest, held, {METRICS: "{}\n", CARD: "# tiny\n"})
    return folder


def plain(table: Table) -> dict[str, list[object]]:
    """Every column of a table as Python's own values."""
    found: dict[str, list[object]] = {}
    for column in COLUMNS:
        match column.kind:
            case "time" | "number":
                values = table.number(column.name)
                found[column.name] = [None if np.isnan(value) else value for value in values.tolist()]
            case "port":
                found[column.name] = list(table.port(column.name).tolist())
            case "bool":
                found[column.name] = list(table.said(column.name).tolist())
            case "label":
                found[column.name] = list(table.label(column.name).tolist())
            case _:
                found[column.name] = list(table.text(column.name).to_pylist())
    return found
