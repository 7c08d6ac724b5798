"""The allowlist: what entries match, when they expire, and what is wrong with a bad one."""

from __future__ import annotations

import fnmatch
import ipaddress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.logs import frame_of
from zeekml.alerts import Allowlist, Sensors
from zeekml.errors import ConfigError

FRAME = frame_of(
    [
        {"id.orig_h": "10.0.0.5", "id.resp_h": "192.0.2.1", "id.resp_p": 443, "service": "ssl"},
        {
            "id.orig_h": "10.0.0.5",
            "id.resp_h": "192.0.2.9",
            "id.resp_p": 443,
            "proto": "udp",
            "service": "quic",
        },
        {"id.orig_h": "10.0.1.6", "id.resp_h": "192.0.2.1", "id.resp_p": 80, "service": "ssl,http"},
        {"id.orig_h": "10.0.1.6", "id.resp_h": "198.51.100.3", "id.resp_p": 22, "ts": 1_800_000_000.0},
    ]
)


@pytest.mark.parametrize(
    ("entry", "matches"),
    [
        ({"networks": ["10.0.0.0/24"]}, [True, True, False, False]),
        ({"peers": ["192.0.2.1", "198.51.100.0/24"]}, [True, False, True, True]),
        ({"ports": ["443/tcp", "22/tcp"]}, [True, False, False, True]),
        ({"services": ["ssl"]}, [True, False, False, False]),
        ({"services": ["http", "ssl"]}, [True, False, True, False]),
        ({"networks": ["10.0.0.0/24"], "ports": ["443/udp"]}, [False, True, False, False]),
        ({"networks": ["10.0.0.0/16"], "expires": "2024-01-01"}, [True, True, True, False]),
        ({"networks": ["10.0.0.0/16"], "expires": date(2024, 1, 1)}, [True, True, True, False]),
        ({"networks": ["10.0.0.0/16"], "expires": datetime(2023, 1, 1, tzinfo=UTC)}, [False] * 4),
        ({"networks": ["10.0.0.0/16"], "expires": "2027-01-15T09:00:00+01:00"}, [True, True, True, False]),
        ({"networks": ["10.0.0.0/16"], "expires": "2027-01-15T09:00:01+01:00"}, [True] * 4),
        ({"networks": ["10.0.0.0/16"], "peers": None, "expires": None}, [True] * 4),
    ],
)
def test_all_that_is_given_must_match(entry: dict[str, object], matches: list[bool]) -> None:
    allowlist = Allowlist.parse([{"reason": "known", **entry}])
    assert allowlist.matches(FRAME).tolist() == matches


def test_any_entry_will_do() -> None:
    allowlist = Allowlist.parse(
        [{"reason": "a", "services": ["quic"]}, {"reason": "b", "ports": ["22/tcp"]}],
    )
    assert allowlist.matches(FRAME).tolist() == [False, True, False, True]
    assert not Allowlist().matches(FRAME).any()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"ports": ["443/tcp"]}, r"allow\[0\]\.reason: missing"),
        ({"reason": " ", "ports": ["443/tcp"]}, r"allow\[0\]\.reason: missing"),
        ({"reason": "x", "sensors": []}, r"allow\[0\]\.sensors: found \[\]; expected a list"),
        ({"reason": "x"}, r"allow\[0\]: matches every connection; give at least one of networks, peers"),
        ({"reason": "x", "port": ["443/tcp"]}, r"allow\[0\]: unknown key 'port'; expected networks"),
        ({"reason": "x", "ports": ["443"]}, r"allow\[0\]\.ports: found '443'; expected .* such as 443/tcp"),
        ({"reason": "x", "ports": ["70000/tcp"]}, r"allow\[0\]\.ports: found '70000/tcp'"),
        (
            {"reason": "x", "ports": []},
            r"allow\[0\]\.ports: found \[\]; expected a list with one text or more",
        ),
        ({"reason": "x", "services": "ssl"}, r"allow\[0\]\.services: found 'ssl'; expected a list"),
        ({"reason": "x", "peers": ["lan"]}, r"allow\[0\]\.peers\[0\]: 'lan' is no network"),
        ({"reason": "x", "services": ["ssl"], "expires": "soon"}, r"allow\[0\]\.expires: found 'soon'"),
        ({"reason": "x", "services": ["ssl"], "expires": 3}, r"allow\[0\]\.expires: found 3"),
    ],
)
def test_what_is_wrong_is_named(entry: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Allowlist.parse([entry], field="allow")


HERE = Sensors("Probe1.example.org", "/logs")


@pytest.mark.parametrize(
    ("stream", "names"),
    [
        ("/data/dmz-1/conn.log", {"probe1.example.org", "probe1", "data", "dmz-1", "/data/dmz-1/conn.log"}),
        ("DMZ-2/./x/../conn.log", {"probe1.example.org", "probe1", "logs", "dmz-2", "/logs/dmz-2/conn.log"}),
        ("-", {"probe1.example.org", "probe1"}),
    ],
)
def test_a_sensor_goes_by_its_machine_and_its_folders(stream: str, names: set[str]) -> None:
    assert set(HERE.names(stream)) == names


def test_a_sensor_without_a_known_place_has_no_name() -> None:
    assert Sensors().names("-") == ()
    assert Sensors().names("conn.log") == ("conn.log",)


STREAMS = ("/logs/dmz-1/conn.log", "/logs/office/conn.log", "lab/eve.json", "-")
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "networks": st.just(["10.0.0.0/24"]),
        "peers": st.just(["192.0.2.1"]),
        "ports": st.just(["443/tcp"]),
        "sensors": st.lists(
            st.sampled_from(
                ["dmz-*", "DMZ-1", "office", "lab", "probe1", "probe[12].*", "*/conn.log", "log?", "conn.log"]
            ),
            min_size=1,
            max_size=2,
        ),
    },
).filter(bool)


def allowed(entry: dict[str, list[str]], stream: str, row: int) -> bool:
    """The rule as it is documented, for one connection."""
    networks = [ipaddress.ip_network(text) for text in entry.get("networks", ["0.0.0.0/0"])]
    path = stream if stream.startswith("/") else f"/logs/{stream}"
    names = ["probe1.example.org", "probe1", *([] if stream == "-" else [path, *path.split("/")[1:-1]])]
    one = FRAME.iloc[row]
    return (
        any(ipaddress.ip_address(one["id.orig_h"]) in network for network in networks)
        and one["id.resp_h"] in entry.get("peers", [one["id.resp_h"]])
        and (f"{one['id.resp_p']}/{one['proto']}" == "443/tcp" or "ports" not in entry)
        and (
            "sensors" not in entry
            or any(
                fnmatch.fnmatchcase(name, pattern.lower()) for name in names for pattern in entry["sensors"]
            )
        )
    )


@given(entries=st.lists(ENTRIES, min_size=1, max_size=3), stream=st.sampled_from(STREAMS))
def test_sensors_are_one_more_thing_that_must_match(entries: list[dict[str, list[str]]], stream: str) -> None:
    allowlist = Allowlist.parse([{"reason": "known", **entry} for entry in entries])
    expected = [any(allowed(entry, stream, row) for entry in entries) for row in range(len(FRAME))]
    assert allowlist.matches(FRAME, HERE.names(stream)).tolist() == expected
