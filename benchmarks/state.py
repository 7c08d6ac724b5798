"""What a checkpoint costs with all the state that the default limits allow: 50,000 hosts and 1,000,000 pairs.

``export`` is what scoring waits for; ``save``, its sync included, runs beside it; ``load`` and ``restore`` are for a
start. Run it from anywhere::

    python benchmarks/state.py --dir /var/lib/zeekml
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from zeekml.features.keyed import KeyedTable
from zeekml.journal.snapshot import Maker, load_snapshot, save_snapshot
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, Scorer, load_bundle

T = TypeVar("T")

_PORTIONS = 20
"""Insertions in which a table is filled, so that slots lie in another order than keys, as they do in use."""


def filled(bundle: Bundle, hosts: int, pairs: int) -> Scorer:
    """A scorer that holds so many hosts and pairs of one stream, of random content."""
    rng = np.random.default_rng(0)
    scorer = Scorer(bundle)
    state, runner = scorer._stream("conn")
    _fill(state.hosts, hosts, rng)
    _fill(state.pairs, pairs, rng)
    state.pairs["host"][state.pairs.slots] = rng.choice(state.hosts.slots, pairs)
    width = runner.export(np.arange(0))["carried"].shape[1]
    runner.restore(
        {"carried": rng.random((state.hosts.capacity, width), dtype=np.float32)}, state.hosts.capacity
    )
    return scorer


def measured(scorer: Scorer, bundle: Bundle, folder: Path, repeat: int) -> dict[str, float]:
    """Seconds of each part, the medians of ``repeat`` rounds, and the MiB of the snapshot."""
    seconds: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = work()
        seconds.setdefault(name, []).append(time.perf_counter() - began)
        return done

    maker, size = Maker.of(bundle), 0
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        path = Path(inside) / "snapshot"
        for _ in range(repeat):
            arrays = timed("export", scorer.export)
            size = timed("save", partial(save_snapshot, path, arrays, {}, maker))
            snapshot = timed("load", partial(load_snapshot, path, maker))
            if snapshot is None:
                raise RuntimeError(f"{path} has gone")
            again = Scorer(bundle)
            timed("restore", partial(again.restore, snapshot.arrays))
    medians = {f"{name} s": round(statistics.median(each), 3) for name, each in seconds.items()}
    return {**medians, "MiB": round(size / 2**20, 1)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured, a line each."""
    parser = argparse.ArgumentParser(description="What a checkpoint costs.")
    parser.add_argument("--hosts", type=int, default=50_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--dir", type=Path, default=None, help="the disk to save to; default: for temporary files"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    given = parser.parse_args(arguments)
    bundle = load_bundle(given.model)
    found = measured(filled(bundle, given.hosts, given.pairs), bundle, given.dir, given.repeat)
    for name, value in found.items():
        print(f"{name:<10}{value:>10}")


def _fill(table: KeyedTable, rows: int, rng: np.random.Generator) -> None:
    portion = max(rows // _PORTIONS, 1)
    while len(table) < rows:
        wanted = min(portion, rows - len(table))
        keys = np.unique(rng.integers(1, 2**63, wanted, dtype=np.uint64))
        table.insert(keys[table.lookup(keys) < 0])


if __name__ == "__main__":
    main()
