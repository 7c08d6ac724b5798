"""What the compiled network and trees of a model cost, beside the same multiplications as plain matrix products.

Features of a made log go through the network as of one host, of a thousand, and of a hundred thousand with a row each
(whose state no cache holds), all long known: what a connection costs once a watch has run for a while. In turn with
them numpy's single-precision product, on one processor, does the multiplications that the network is defined by::

    python benchmarks/network.py

Prints the processor time of a connection, the middle one of all rounds, and how many times the product's that is,
which for the network is held to at most 3.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.network_figures import NETWORK, PRODUCTS, network_bars, times_the_products
from zeekml.features import Block, StateLimits, StreamState, blocks
from zeekml.features.runs import Runs
from zeekml.records import Rejects, discover, read_batches
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, load_bundle
from zeekml.scoring.runners import Runs as Runner
from zeekml.scoring.runners import runners_of
from zeekml.simulate import Scenario, write_traffic

Floats = NDArray[np.float32]

#: Rows of one call, as of a batch.
BATCH = 32_768
HOSTS = (1, 1_000, 100_000)
#: Rows of one matrix product: enough to be quick, few enough to stay in the cache.
PRODUCT_ROWS = 512
SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Measures the compiled network beside plain matrix products."
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a bundle (default: the shipped one)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each (default 15)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    bundle = load_bundle(options.model)
    matrix = made_features()
    product, multiplications = products(bundle)
    turns = {PRODUCTS: (product, PRODUCT_ROWS)}
    start = runners_of(bundle)
    for hosts in HOSTS:
        turns[f"{NETWORK}, {hosts:,} host{'s' * (hosts > 1)}"] = (
            network(start(), matrix, hosts),
            max(hosts, BATCH),
        )
    if bundle.trees is not None:
        odds = np.zeros(len(matrix))
        turns["trees"] = (lambda: bundle.with_trees(odds, matrix)), len(matrix)
    costs = {name: seconds * 1e6 for name, seconds in measured(turns, options.rounds).items()}
    if options.json:
        told = {"multiplications": multiplications, "rounds": options.rounds, "microseconds": costs}
        print(json.dumps(told))
        return 0
    print(f"{multiplications:,} multiplications a connection")
    for name, times in times_the_products(costs).items():
        print(f"{name:<24} {costs[name]:7.3f} us a connection  {times:6.2f} times")
    for bar in network_bars(costs):
        print(f"{bar.name}: {bar.value:.2f}  ({bar.bar}: {'held' if bar.held else 'NOT held'})")
    return 0


def measured(turns: dict[str, tuple[Callable[[], object], int]], rounds: int) -> dict[str, float]:
    """Seconds of processor for one row of each: the median of rounds in which all take turns."""
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for turn in range(rounds + 1):
        for name, (run, rows) in turns.items():
            repeats = max(1, BATCH // rows)
            began = time.thread_time()
            for _ in range(repeats):
                run()
            if turn > 0:  # the first one warms up
                taken[name].append((time.thread_time() - began) / (repeats * rows))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def made_features() -> Floats:
    """Features (BATCH, F) of a made log."""
    with tempfile.TemporaryDirectory(prefix="zeekml-network-") as folder:
        log = Path(folder) / "conn.log"
        write_traffic(log, Scenario(connections=BATCH, seed=SEED), format="tsv")
        (stream,) = discover([str(log)]).streams
        state = StreamState(StateLimits())
        found = [
            block.matrix
            for batch in read_batches(stream.files[0], stream.name, rejects=Rejects())
            for block in blocks(batch.frame, state)
        ]
    return np.concatenate(found)[:BATCH]


def network(runner: Runner, matrix: Floats, hosts: int) -> Callable[[], object]:
    """A run of these features, as often as there are rows for that many hosts, all of which are known already."""
    rows = max(hosts, len(matrix))
    slots = np.random.default_rng(SEED).permutation(hosts)
    pieces = []
    for at in range(0, rows, len(matrix)):
        count = min(len(matrix), rows - at)
        # Sorted by host, each with as many rows as the others, in the order in which hosts were first seen.
        host = np.arange(at, at + count) * hosts // rows
        starts = np.diff(host, prepend=-1) > 0
        order = np.random.default_rng(at).permutation(count)
        pieces.append((matrix[:count], order, Runs.where(starts), slots[host[starts]]))

    def blocks_of(*, fresh: bool) -> list[Block]:
        return [
            Block(of_piece, order, runs, mine, np.full(len(mine), fresh))
            for of_piece, order, runs, mine in pieces
        ]

    for block in blocks_of(fresh=True):
        runner.logits(block)
    known = blocks_of(fresh=False)
    return lambda: [runner.logits(block) for block in known]


def products(bundle: Bundle) -> tuple[Callable[[], object], int]:
    """The matrix products of a network after its stem for ``PRODUCT_ROWS`` rows, and their multiplications a row."""
    sizes = bundle.manifest.network
    width, layers = sizes.width, 2 * sizes.depth * sizes.members
    shapes = [(sizes.kernel * width, width)] * layers + [(width, 4 * width)] * layers
    shapes += [(2 * width, width), (width, sizes.classes)] * sizes.members
    rng = np.random.default_rng(SEED)
    operands = [
        (
            rng.random((PRODUCT_ROWS, terms), dtype=np.float32),
            rng.random((terms, columns), dtype=np.float32),
            np.empty((PRODUCT_ROWS, columns), np.float32),
        )
        for terms, columns in shapes
    ]

    def run() -> None:
        for rows, weight, out in operands:
            np.matmul(rows, weight, out=out)

    return run, sum(terms * columns for terms, columns in shapes)


if __name__ == "__main__":
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1" or "OPENBLAS_CORETYPE" in os.environ:
        # OpenBLAS reads its environment when it is loaded: one thread, and the processor's own kernels.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        os.execve(sys.executable, [sys.executable, *sys.argv], plain | {"OPENBLAS_NUM_THREADS": "1"})  # noqa: S606
    sys.exit(main())
