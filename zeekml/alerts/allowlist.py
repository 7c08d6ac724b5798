"""The allowlist: connections that never alert, named by originator, responder, port, service and sensor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

import numpy as np

from zeekml.addresses import Networks
from zeekml.alerts.sensors import matches_any
from zeekml.errors import ConfigError
from zeekml.table import Frame, Mask, Table, Texts

_MATCHERS = ("networks", "peers", "ports", "services", "sensors")
_KEYS = (*_MATCHERS, "reason", "expires")


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One entry; a connection matches when every field that is given (not None) matches.

    ``networks`` hold the originator, ``peers`` the responder. ``ports``: of the responder, (number, proto).
    ``services``: every service that Zeek names for the connection (``ssl,http`` names two) must be among
    them. ``sensors``: patterns, one of which must match one of the sensor's names (see `Sensors`). ``expires``:
    epoch seconds; the entry holds for connections whose ``ts`` is earlier.
    """

    reason: str
    networks: Networks | None = None
    peers: Networks | None = None
    ports: frozenset[tuple[int, str]] | None = None
    services: frozenset[str] | None = None
    sensors: tuple[str, ...] | None = None
    expires: float | None = None

    def matches(self, frame: Frame, sensor: Collection[str] = ()) -> Mask:
        """Which of the N connections of a batch frame of a sensor with these names the entry matches; (N,) bool."""
        table = Table.of(frame)
        if self.sensors is not None and not matches_any(sensor, self.sensors):
            return np.zeros(len(table), dtype=np.bool_)
        mask = np.ones(len(table), dtype=np.bool_)
        if self.networks is not None:
            mask &= table.label("id.orig_h").test(self.networks.contains)
        if self.peers is not None:
            mask &= table.label("id.resp_h").test(self.peers.contains)
        if self.ports is not None:
            mask &= self._match_ports(table)
        if self.services is not None:
            mask &= table.label("service").test(self._match_services)
        if self.expires is not None:
            mask &= table.number("ts") < self.expires
        return mask

    def _match_ports(self, table: Table) -> Mask:
        mask = np.zeros(len(table), dtype=np.bool_)
        port, protos = table.port("id.resp_p"), table.label("proto")
        for number, proto in self.ports or ():
            mask |= (port == number) & protos.test(partial(_is, proto))
        return mask

    def _match_services(self, services: Texts) -> Mask:
        allowed = self.services or frozenset()
        return np.array([allowed.issuperset(service.split(",")) for service in services], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Allowlist:
    """Entries, any of which may match; build one with `parse`. An empty one matches nothing."""

    entries: tuple[AllowEntry, ...] = ()

    @classmethod
    def parse(cls, entries: Sequence[Mapping[str, object]], field: str = "allowlist") -> Allowlist:
        """An allowlist from plain mappings, as a configuration file has them.

        Keys: ``networks``, ``peers``, ``ports`` (``443/tcp``), ``services``, ``sensors`` (lists, at least one of
        the five), ``reason`` (required), ``expires`` (ISO date or time, UTC where it names no zone). Raises
        ConfigError naming entry and key.
        """
        return cls(tuple(_parse_entry(entry, f"{field}[{i}]") for i, entry in enumerate(entries)))

    def __len__(self) -> int:
        return len(self.entries)

    def matches(self, frame: Frame, sensor: Collection[str] = ()) -> Mask:
        """Which of the N connections of a batch frame of a sensor with these names are in the allowlist; (N,) bool."""
        mask = np.zeros(len(frame), dtype=np.bool_)
        for entry in self.entries:
            mask |= entry.matches(frame, sensor)
        return mask


def _is(word: str, texts: Texts) -> Mask:
    return np.array([text == word for text in texts], dtype=np.bool_)


def _parse_entry(entry: Mapping[str, object], where: str) -> AllowEntry:
    given = {key: value for key, value in entry.items() if value is not None}
    for key in given:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; expected {', '.join(_KEYS)}")
    reason = given.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise ConfigError(f"{where}.reason: missing; say why these connections never alert")
    if not any(key in given for key in _MATCHERS):
        raise ConfigError(f"{where}: matches every connection; give at least one of {', '.join(_MATCHERS)}")
    texts = {key: _texts(given[key], f"{where}.{key}") for key in _MATCHERS if key in given}
    return AllowEntry(
        reason=reason,
        networks=Networks.parse(texts["networks"], f"{where}.networks") if "networks" in texts else None,
        peers=Networks.parse(texts["peers"], f"{where}.peers") if "peers" in texts else None,
        ports=frozenset(_port(text, f"{where}.ports") for text in texts["ports"])
        if "ports" in texts
        else None,
        services=frozenset(texts["services"]) if "services" in texts else None,
        sensors=tuple(texts["sensors"]) if "sensors" in texts else None,
        expires=_expiry(given["expires"], f"{where}.expires") if "expires" in given else None,
    )


def _texts(value: object, where: str) -> list[str]:
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{where}: found {value!r}; expected a list with one text or more")
    return list(value)


def _port(text: str, where: str) -> tuple[int, str]:
    number, _, proto = text.partition("/")
    if not (
        number.isascii() and number.isdigit() and int(number) < 65536 and proto in ("tcp", "udp", "icmp")
    ):
        raise ConfigError(f"{where}: found {text!r}; expected a port and protocol such as 443/tcp")
    return int(number), proto


def _expiry(value: object, where: str) -> float:
    """Epoch seconds from which the entry no longer holds; a date means its first moment."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ConfigError(f"{where}: found {value!r}; expected a date such as 2027-01-31") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ConfigError(f"{where}: found {value!r}; expected a date such as 2027-01-31")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
