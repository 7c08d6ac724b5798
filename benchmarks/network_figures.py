"""What the compiled network takes beside plain matrix products, and what it is held to. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bars import Bar

PRODUCTS, NETWORK = "matrix products", "network"
TIMES_THE_PRODUCTS = 3.0


def times_the_products(microseconds: Mapping[str, float]) -> dict[str, float]:
    """How many times each takes what ``PRODUCTS`` takes, themselves included."""
    return {name: cost / microseconds[PRODUCTS] for name, cost in microseconds.items()}


def network_bars(microseconds: Mapping[str, float]) -> list[Bar]:
    """What the network is held to, for each number of hosts; trees have no such products to be held to."""
    return [
        Bar(f"{name} / the same multiplications as {PRODUCTS}", times, most=TIMES_THE_PRODUCTS)
        for name, times in times_the_products(microseconds).items()
        if name.startswith(NETWORK)
    ]
