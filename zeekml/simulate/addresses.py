"""Addresses that name nobody: private ones inside, special-purpose ranges outside (RFC 6890)."""

from __future__ import annotations

import ipaddress

import numpy as np

from zeekml.simulate.table import I64, Mask

PUBLIC_RANGES = ("198.18.0.0/15", "203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24", "100.64.0.0/10")
"""Benchmarking, documentation and carrier-grade ranges (RFC 2544, 5737, 6598), used as the outside world."""

_NETWORKS = [ipaddress.IPv4Network(text) for text in PUBLIC_RANGES]
_FIRSTS = np.array([int(network.network_address) for network in _NETWORKS], dtype=np.int64)
_UP_TO = np.cumsum([network.num_addresses for network in _NETWORKS], dtype=np.int64)

_IN_TWO = 100_000  # hosts that fit into the two networks of 256 subnets, 200 in each


def public_addresses(rng: np.random.Generator, count: int) -> I64:
    """Outside addresses drawn evenly from all the ranges, shape (count,)."""
    return public_by_index(rng.integers(0, _UP_TO[-1], count))


def public_by_index(index: I64) -> I64:
    """The outside address of each running number; numbers past the last address start over."""
    index = index % _UP_TO[-1]
    block = np.searchsorted(_UP_TO, index, side="right")
    return _FIRSTS[block] + index - np.concatenate(([0], _UP_TO[:-1]))[block]


def local_addresses(count: int) -> I64:
    """``count`` hosts inside, by turns in 10.20.0.0/16 and 192.168.0.0/16, from .10 on in every /24.

    More than 100,000 are all in 10.0.0.0/8, 13 million at most.
    """
    index = np.arange(count, dtype=np.int64)
    if count > _IN_TWO:
        subnet, host = np.divmod(index, 200)
        everywhere: I64 = int(ipaddress.IPv4Address("10.0.0.0")) + subnet * 256 + host + 10
        return everywhere
    subnet, host = np.divmod(index // 2, 200)
    bases = np.array([int(ipaddress.IPv4Address("10.20.0.0")), int(ipaddress.IPv4Address("192.168.0.0"))])
    inside: I64 = bases[index % 2] + subnet * 256 + host + 10
    return inside


def is_local(addresses: I64) -> Mask:
    """Whether each address is one of those :func:`local_addresses` can give."""
    inside: Mask = (addresses >> 24 == 10) | (addresses >> 16 == (192 << 8) + 168)
    return inside
