"""The made network: who is in it, who is infected, and whom they talk to outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeekml.simulate.addresses import local_addresses, public_addresses
from zeekml.simulate.table import F64, I64

SITES = 3000
FEWEST = 12  # hosts that all roles need
INFECTIONS = ("mirai", "beacon-regular", "beacon-jittered", "spam", "exfiltration")


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses by role (32-bit numbers); ``start`` is the first moment of the scenario in microseconds.

    ``pools`` names groups of local hosts: ``all``, ``workstations``, ``devices``, ``monitor``, ``infected``
    and one pool for each of ``INFECTIONS``. Infected hosts live an ordinary life as well.
    """

    start: int
    resolver: int
    backup_server: int
    pools: dict[str, I64]
    sites: I64
    site_odds: F64
    time_servers: I64
    update_servers: I64
    chat_servers: I64
    command_servers: I64

    @classmethod
    def build(cls, seed: int, hosts: int, start: int) -> Network:
        """A network of ``hosts`` local hosts, 12 or more; the same arguments give the same network."""
        rng = np.random.default_rng([seed, 0])
        local = local_addresses(hosts)
        resolver, backup_server, monitor, members = local[0], local[1], local[2:3], local[3:]
        devices = members[: max(len(members) * 3 // 8, 1)]
        workstations = members[len(devices) :]
        return cls(
            start=start,
            resolver=int(resolver),
            backup_server=int(backup_server),
            pools={"all": local[2:], "workstations": workstations, "devices": devices, "monitor": monitor}
            | _infected(devices, workstations, hosts),
            sites=public_addresses(rng, SITES),
            site_odds=np.cumsum(_zipf(SITES)),
            time_servers=public_addresses(rng, 4),
            update_servers=public_addresses(rng, 6),
            chat_servers=public_addresses(rng, 8),
            command_servers=public_addresses(rng, 64),
        )

    def pick_sites(self, rng: np.random.Generator, count: int) -> I64:
        """Outside web servers, the popular ones more often, shape (count,): indices into ``sites``."""
        return np.searchsorted(self.site_odds, rng.random(count)).astype(np.int64).clip(0, SITES - 1)

    def command_server(self, hosts: I64, kind: int) -> I64:
        """The command server of each infected host; ``kind`` tells families apart."""
        return self.command_servers[(hosts // 7 * 13 + kind * 17) % len(self.command_servers)]


def _infected(devices: I64, workstations: I64, hosts: int) -> dict[str, I64]:
    """One host in a hundred, at least one, for every infection; no host has two."""
    each = max(hosts // 100, 1)
    pools = {INFECTIONS[0]: devices[:each]}
    for place, name in enumerate(INFECTIONS[1:]):
        pools[name] = workstations[place * each : (place + 1) * each]
    pools["infected"] = np.concatenate(list(pools.values()))
    return pools


def _zipf(count: int) -> F64:
    weights = 1.0 / np.arange(1, count + 1, dtype=np.float64)
    odds: F64 = weights / weights.sum()
    return odds
