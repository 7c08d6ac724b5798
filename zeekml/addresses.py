"""Tests on many IP addresses at once: private ranges, groups, and membership in lists of networks."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeekml.errors import ConfigError
from zeekml.table import UNSET, Labels, Texts
from zeekml.text_kernels import GROUP, PRIVATE

_MAPPED = b"\0" * 10 + b"\xff\xff"  # ::ffff:0:0/96 (RFC 4291): one 128-bit number for IPv4 and IPv6 alike
_NOWHERE = b"\0" * 16


def private_mask(addresses: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Which of the N addresses are private, unique-local, link-local or loopback; (N,) bool, in their order.

    What is no address is not private.
    """
    return (_texts(addresses).kinds & PRIVATE) > 0


def group_mask(addresses: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Which of the N addresses are multicast or, ending in .255, almost certainly broadcast; (N,) bool."""
    return (_texts(addresses).kinds & GROUP) > 0


def ipv6_mask(addresses: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Which of the N addresses are written as IPv6 ones; (N,) bool."""
    return np.array([":" in address for address in addresses], dtype=np.bool_)


def local_mask(said: npt.NDArray[np.int8], addresses: Labels) -> npt.NDArray[np.bool_]:
    """Which of the N ends of connections lie inside; (N,) bool.

    What the log says (``said`` (N,): ``local_orig`` or ``local_resp``), and where that is unset whether the address is
    private (``addresses`` (N,): that end's).
    """
    return np.where(said == UNSET, addresses.test(private_mask), said == 1)


def _texts(addresses: Iterable[str]) -> Texts:
    return addresses if isinstance(addresses, Texts) else Texts.of(addresses)


@dataclass(frozen=True, slots=True)
class Networks:
    """A list of networks; build one with `parse`. An empty list contains nothing."""

    members: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str], field: str = "networks") -> Networks:
        """Networks from texts such as ``10.0.0.0/8``, ``2001:db8::/32`` or one address.

        Raises ConfigError naming ``field`` and the entry that is no network.
        """
        members = []
        for position, text in enumerate(texts):
            try:
                members.append(_unmapped(ipaddress.ip_network(text.strip())))
            except ValueError as error:
                raise ConfigError(
                    f"{field}[{position}]: {text!r} is no network ({error}); "
                    "expected an address or a network such as 10.0.0.0/8 or 2001:db8::/32"
                ) from None
        return cls(tuple(members))

    def __len__(self) -> int:
        return len(self.members)

    def contains(self, addresses: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Which of the N addresses lie in one of the networks; (N,) bool. What is no address lies in none.

        An IPv4 address written as ``::ffff:a.b.c.d`` counts as the IPv4 address. Meant for the distinct
        addresses of a batch: each is parsed once. An IPv6 network holds no IPv4 address, not even ``::/0``.
        """
        packed = [_packed(address) for address in addresses]
        words = np.frombuffer(b"".join(packed), dtype=">u8").reshape(-1, 2)
        known = np.array([p is not _NOWHERE for p in packed], dtype=np.bool_)
        ipv4 = (words[:, 0] == 0) & (words[:, 1] >> np.uint64(32) == 0xFFFF)
        inside = np.zeros(len(words), dtype=np.bool_)
        for network in self.members:
            base, mask = _words(network)
            family = ipv4 if network.version == 4 else ~ipv4
            inside |= ((words & mask) == base).all(axis=1) & family
        return inside & known


def _unmapped(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An IPv4 network that was written as a part of ::ffff:0:0/96 as itself."""
    mapped = network.network_address.ipv4_mapped if network.version == 6 else None
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96))


def _packed(address: str) -> bytes:
    try:
        if ":" in address:
            return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
        return _MAPPED + socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):  # ValueError: an embedded NUL, or a character beyond ASCII
        return _NOWHERE


def _words(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[npt.NDArray[np.uint64], ...]:
    """Network address and mask as two big-endian 64-bit words each."""
    prefix = b"" if network.version == 6 else _MAPPED
    ones = b"" if network.version == 6 else b"\xff" * 12
    return (
        np.frombuffer(prefix + network.network_address.packed, dtype=">u8"),
        np.frombuffer(ones + network.netmask.packed, dtype=">u8"),
    )
