"""Private ranges and networks, held against the standard library."""

from __future__ import annotations

import ipaddress

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zeekml.addresses import Networks, local_mask, private_mask
from zeekml.errors import ConfigError
from zeekml.table import Labels, Texts

PRIVATE = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16",
    "fc00::/7", "fe80::/10", "::1/128",
]  # fmt: skip


def unmapped(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def as_logged(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As inet_ntop writes it; Python before 3.13 writes the IPv4 part of ::ffff:0:0/96 in hexadecimal."""
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)


addresses = st.one_of(
    st.ip_addresses().map(as_logged),
    st.sampled_from(PRIVATE).flatmap(lambda text: st.ip_addresses(network=text)).map(as_logged),
)
networks = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
).map(lambda pair: str(ipaddress.ip_network(pair, strict=False)))


@given(st.lists(addresses, max_size=20))
@example(["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", "fbff::", "fe7f::", "fec0::", "::"])
def test_private_ranges(texts: list[str]) -> None:
    members = [ipaddress.ip_network(text) for text in PRIVATE]
    wanted = [any(unmapped(text) in network for network in members) for text in texts]
    assert private_mask(pd.Index(texts, dtype="str")).tolist() == wanted
    assert Networks.parse(PRIVATE).contains(texts).tolist() == wanted


@given(st.lists(addresses, max_size=20), st.lists(networks, max_size=4))
@example(["10.1.2.3", "::ffff:10.1.2.3"], ["::/0"])
def test_membership(texts: list[str], nets: list[str]) -> None:
    members = Networks.parse(nets).members
    wanted = [any(unmapped(text) in network for network in members) for text in texts]
    assert Networks.parse(nets).contains(texts).tolist() == wanted


def test_what_is_no_address_is_nowhere() -> None:
    texts = ["", "-", "10.1.1", "10.0.0.1\n", "host", "10.0.0.1/8", "fe80:::1", "é", "::1\0"]
    assert not Networks.parse(["0.0.0.0/0", "::/0"]).contains(texts).any()
    assert not private_mask(
        ["", "-", "10.1.1", "10.0.0.1\n", "10.0.0.1/8", "10.example.org", "fd.example"]
    ).any()
    assert private_mask(np.array(["10.0.0.1", None], dtype=object)).tolist() == [True, False]


def test_an_end_is_inside_where_the_log_says_so_else_by_its_address() -> None:
    told = np.array([-1, -1, -1, 1, 0], dtype=np.int8)
    hosts = Labels(np.array([0, 1, -1, 1, 0], dtype=np.int32), Texts.of(["10.0.0.1", "8.8.8.8"]))
    assert local_mask(told, hosts).tolist() == [True, False, False, True, False]
    assert local_mask(told[:0], hosts[:0]).tolist() == []


def test_zones_and_mapped_addresses_are_seen_through() -> None:
    assert Networks.parse(["fe80::/10", "10.0.0.0/8"]).contains(["fe80::1%eth0", "::ffff:10.0.0.1"]).all()
    assert private_mask(["fe80::1%eth0", "::ffff:10.0.0.1"]).all()


def test_a_mapped_network_is_the_ipv4_network() -> None:
    assert Networks.parse(["::ffff:10.0.0.0/104"]) == Networks.parse(["10.0.0.0/8"])


def test_one_address_is_a_network() -> None:
    one = Networks.parse(["192.0.2.7", " 2001:db8::1 "])
    assert one.contains(["192.0.2.7", "192.0.2.8", "2001:db8::1"]).tolist() == [True, False, True]
    assert len(one) == 2
    assert not Networks()


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "lan", ""])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.local_nets\[1\]: .* is no network"):
        Networks.parse(["10.0.0.0/8", text], field="alerts.local_nets")
