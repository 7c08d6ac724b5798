"""Features of one connection by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.builders import frame_of, matrix_of, one, row, values_of
from zeekml.features import LAYOUT, connection

NUMBERS = ("duration", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes")


def of(**changes: object) -> dict[str, float]:
    return values_of(one(**changes))[0]


def marks(values: dict[str, float], prefix: str) -> set[str]:
    """The one-hot features with this prefix that are set."""
    flags = {f.name for f in LAYOUT.features if f.kind == "flag" and f.name.startswith(prefix)}
    assert {values[name] for name in flags} <= {0.0, 1.0}
    return {name.removeprefix(prefix) for name in flags if values[name] == 1}


def test_sizes_and_duration_are_logarithms() -> None:
    values = of()
    assert values["duration"] == pytest.approx(math.log1p(1500))
    for name in NUMBERS[1:]:
        raw = row()[name]
        assert isinstance(raw, float)
        assert values[name] == pytest.approx(math.log1p(raw))


def test_rates_and_ratios() -> None:
    values = of()
    assert values["orig_pkt_size"] == pytest.approx(1632 / 12)
    assert values["resp_pkt_size"] == pytest.approx(20944 / 18)
    assert values["pkt_rate"] == pytest.approx(math.log1p(30 / 1.501))
    assert values["byte_ratio"] == pytest.approx(math.log1p(1632) - math.log1p(20944), rel=1e-5)
    assert values["payload_share"] == pytest.approx(1000 / 1632)


@pytest.mark.parametrize("name", NUMBERS)
def test_unset_is_missing_and_zero_is_zero(name: str) -> None:
    unset, zero = of(**{name: None}), of(**{name: 0.0})
    assert math.isnan(unset[name])
    assert zero[name] == 0
    built_on = [f.name for f in connection.FEATURES if name in f.sources and f.kind == "number"]
    assert all(math.isnan(unset[feature]) for feature in built_on)


def test_a_connection_with_nothing_measured_has_no_number() -> None:
    values = of(**dict.fromkeys(NUMBERS))
    assert all(math.isnan(values[f.name]) for f in connection.FEATURES if f.kind == "number")


def test_shares_of_nothing_are_missing() -> None:
    values = of(orig_pkts=0.0, orig_ip_bytes=0.0, orig_bytes=0.0, resp_pkts=0.0, resp_ip_bytes=0.0)
    assert all(math.isnan(values[name]) for name in ("orig_pkt_size", "resp_pkt_size", "payload_share"))
    assert values["byte_ratio"] == 0


def test_proto_state_and_service_are_one_hot() -> None:
    values = of()
    assert marks(values, "proto_") == {"tcp"}
    assert marks(values, "state_") == {"SF"}
    assert marks(values, "service_") == {"tls"}


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (None, {"none"}),
        ("quic,ssl", {"tls"}),
        ("krb,smb,gssapi", {"windows"}),
        ("http,irc", {"http", "irc"}),
        ("ftp-data", {"ftp"}),
        ("socks", {"other"}),
        ("failed", set()),
    ],
)
def test_services(service: str | None, expected: set[str]) -> None:
    assert marks(of(service=service), "service_") == expected


@pytest.mark.parametrize("state", ["OTH", None])
def test_the_state_that_tells_the_sensor_sets_no_flag(state: str | None) -> None:
    assert marks(of(conn_state=state), "state_") == set()


def test_missed_bytes_are_no_feature() -> None:
    for missed in (12345.0, None):
        np.testing.assert_array_equal(matrix_of(one(missed_bytes=missed)), matrix_of(one()))


@pytest.mark.parametrize("marked", ["CShADadFf", "ShADadFfCc", "cShACDadFcf"])
def test_checksum_marks_change_nothing(marked: str) -> None:
    np.testing.assert_array_equal(matrix_of(one(history=marked)), matrix_of(one(history="ShADadFf")))


def test_history_letters_of_both_directions() -> None:
    values = of(history="ShAdR^")
    assert marks(values, "orig_") - {"local", "port_system", "port_registered"} == {"s", "a", "r"}
    assert {name for name in "hadfritw" if values[f"resp_{name}"]} == {"h", "d"}
    assert values["history_missing"] == 0
    assert of(history=None, conn_state="OTH")["history_missing"] == 1


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (23, {"telnet"}),
        (2323, {"telnet"}),
        (443, {"https"}),
        (8080, {"web_other"}),
        (445, {"smb"}),
        (37215, {"device_exploit"}),
        (502, {"industrial"}),
        (0, {"system"}),
        (1023, {"system"}),
        (1024, {"registered"}),
        (49151, {"registered"}),
        (49152, {"dynamic"}),
        (65535, {"dynamic"}),
    ],
)
def test_ports_are_classes(port: int, expected: set[str]) -> None:
    assert marks(of(id_resp_p=port), "port_") == expected


def test_unlisted_ports_of_one_class_are_the_same_to_the_model() -> None:
    np.testing.assert_array_equal(matrix_of(one(id_resp_p=4321)), matrix_of(one(id_resp_p=43210)))


def test_the_originators_port_is_known_by_its_range() -> None:
    assert marks(of(id_orig_p=22), "orig_port_") == {"system"}
    assert marks(of(id_orig_p=5000), "orig_port_") == {"registered"}
    assert marks(of(id_orig_p=50000), "orig_port_") == set()


def test_icmp_type_and_code_are_no_ports() -> None:
    values = of(proto="icmp", id_orig_p=8, id_resp_p=53, service=None)
    assert marks(values, "port_") == marks(values, "orig_port_") == set()
    assert marks(values, "proto_") == {"icmp"}


@pytest.mark.parametrize(
    ("said", "address", "expected"),
    [
        (True, "198.51.100.7", 1),
        (False, "192.168.1.10", 0),
        (None, "192.168.1.10", 1),
        (None, "10.1.2.3", 1),
        (None, "172.31.255.1", 1),
        (None, "172.32.0.1", 0),
        (None, "169.254.9.9", 1),
        (None, "198.51.100.7", 0),
        (None, "fd00::1", 1),
        (None, "fe80::1", 1),
        (None, "2001:db8::1", 0),
    ],
)
def test_local_is_what_the_log_says_and_else_what_the_address_tells(
    said: bool | None, address: str, expected: float
) -> None:
    assert of(local_orig=said, id_orig_h=address)["orig_local"] == expected
    assert of(local_resp=said, id_resp_h=address)["resp_local"] == expected


def test_local_where_some_rows_say_it_and_others_do_not() -> None:
    rows = [row(local_resp=said, id_resp_h="10.0.0.1") for said in (None, False, True)]
    assert [values["resp_local"] for values in values_of(frame_of(rows))] == [1, 0, 1]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("224.0.0.251", 1),
        ("239.255.255.250", 1),
        ("192.168.1.255", 1),
        ("255.255.255.255", 1),
        ("ff02::fb", 1),
        ("223.255.255.254", 0),
        ("240.0.0.1", 0),
        ("192.168.255.1", 0),
        ("fe80::ff", 0),
    ],
)
def test_broadcast_and_multicast(address: str, expected: float) -> None:
    assert of(id_resp_h=address)["resp_group"] == expected


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"conn_state": "S0", "resp_pkts": 0.0}, True),
        ({"conn_state": "S0", "resp_pkts": None}, True),
        ({"conn_state": "REJ", "resp_pkts": 1.0}, True),
        ({"conn_state": "RSTOS0", "resp_pkts": 0.0}, True),
        ({"conn_state": "S0", "resp_pkts": 0.0, "id_resp_h": "224.0.0.251"}, False),
        ({"conn_state": "SF", "resp_pkts": 0.0}, False),
        ({"conn_state": "SH", "resp_pkts": 3.0}, False),
    ],
)
def test_failed_means_refused_or_unanswered(changes: dict[str, object], failed: bool) -> None:
    values = of(**changes)
    assert values["host_failed"] == values["pair_failed"] == failed


def test_an_empty_batch_has_no_rows() -> None:
    assert values_of(one().iloc[:0]) == []
