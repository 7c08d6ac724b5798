"""Reasons: which features are named, how they are written, and that they add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.builders import Floats, matrix_of, one, random_log
from zeekml.features import LAYOUT
from zeekml.scoring import Bundle
from zeekml.scoring.reasons import NAMED, Reasons, in_words

NAMES = list(LAYOUT.names)


def leaning_on(bundle: Bundle, **weights: float) -> Reasons:
    """Reasons in which only these features move the score."""
    channels = bundle.encoding.feature_of_channel()
    coefficients = np.zeros(len(channels), dtype=np.float32)
    for name, weight in weights.items():
        coefficients[channels == NAMES.index(name)] = weight
    typical = np.zeros_like(coefficients)
    return Reasons(replace(bundle, reason_coefficients=coefficients, reason_typical=typical))


def matrix(**values: float) -> Floats:
    """The features of one plain connection with some replaced."""
    line = matrix_of(one())
    for name, value in values.items():
        line[0, NAMES.index(name)] = value
    return line


def test_contributions_add_up(bundle: Bundle) -> None:
    features = matrix_of(random_log(0, 40))
    encoded = bundle.encoding.encode(features)
    expected = (encoded - bundle.reason_typical) @ bundle.reason_coefficients
    parts = Reasons(bundle).contributions(features)
    assert parts.shape == features.shape
    np.testing.assert_allclose(parts.sum(axis=1), expected, atol=1e-4)


def test_the_strongest_are_named_first(bundle: Bundle) -> None:
    reasons = leaning_on(bundle, host_failed=3.0, port_telnet=2.0, proto_tcp=1.0, state_S0=0.5)
    line = matrix(host_failed=1.0, port_telnet=1.0, proto_tcp=1.0, state_S0=1.0)
    assert reasons.texts(line) == ["host_failed=100%, port_telnet, proto_tcp"]
    assert NAMED == 3


def test_what_speaks_for_benign_is_not_named(bundle: Bundle) -> None:
    reasons = leaning_on(bundle, proto_tcp=-1.0, state_SF=1.0)
    assert reasons.texts(matrix(proto_tcp=1.0, state_SF=1.0)) == ["state_SF"]


def test_what_a_connection_does_not_have_is_not_named(bundle: Bundle) -> None:
    """Neither a flag that is not set, nor a number that is missing, even where its absence moves the score."""
    channels = bundle.encoding.feature_of_channel()
    typical = np.where(channels == NAMES.index("proto_udp"), 1, 0).astype(np.float32)
    coefficients = np.where(channels == NAMES.index("proto_udp"), -1, 0).astype(np.float32)
    coefficients[channels == NAMES.index("duration")] = 1
    reasons = Reasons(replace(bundle, reason_coefficients=coefficients, reason_typical=typical))
    assert reasons.texts(matrix(proto_udp=0.0, duration=np.nan)) == [""]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("host_failed", 0.97, "host_failed=97%"),
        ("payload_share", 0.5, "payload_share=50%"),
        ("duration", np.log1p(2500.0), "duration=2.5s"),
        ("duration", np.log1p(86_400_000.0), "duration=86400s"),
        ("host_gap", np.log1p(60_000.0), "host_gap=60s"),
        ("pair_gap_median", np.log1p(300_000.0), "pair_gap_median=300s"),
        ("orig_bytes", np.log1p(1234.0), "orig_bytes=1234"),
        ("pair_tries", 5.0, "pair_tries=32"),
        ("host_dns_query", np.log2(1 + 64.0), "host_dns_query=64"),
        ("pair_gap_spread", 0.25, "pair_gap_spread=0.25"),
        ("byte_ratio", 1.5, "byte_ratio=1.5"),
        ("pair_sent_spread", 0.5, "pair_sent_spread=0.5"),
        ("orig_pkt_size", 200.0, "orig_pkt_size=200"),
        ("port_telnet", 1.0, "port_telnet"),
    ],
)
def test_values_are_written_in_the_unit_a_person_reads(
    bundle: Bundle, name: str, value: float, text: str
) -> None:
    assert leaning_on(bundle, **{name: 1.0}).texts(matrix(**{name: value})) == [text]


def test_many_rows_at_once_are_as_one_by_one(bundle: Bundle) -> None:
    features = matrix_of(random_log(0, 60))
    reasons = Reasons(bundle)
    assert reasons.texts(features) == [reasons.texts(features[i : i + 1])[0] for i in range(60)]


def test_texts_hold_no_more_than_a_few_names(bundle: Bundle) -> None:
    texts: list[Any] = Reasons(bundle).texts(matrix_of(random_log(1, 60)))
    assert all(len(text.split(", ")) <= NAMED for text in texts)
    assert any(texts)


def test_no_rows_have_no_texts(bundle: Bundle) -> None:
    assert Reasons(bundle).texts(np.empty((0, len(NAMES)), dtype=np.float32)) == []


def test_every_feature_of_one_row(bundle: Bundle) -> None:
    features = matrix_of(random_log(0, 40))
    reasons = Reasons(bundle)
    found = reasons.of_row(features[-1])
    assert [reason.feature for reason in found] == NAMES
    np.testing.assert_allclose(
        [reason.part for reason in found], reasons.contributions(features)[-1], atol=1e-5
    )
    for reason, value in zip(found, features[-1], strict=True):
        assert (reason.value is None) == bool(np.isnan(value))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("host_failed", 0.97, "share of failed connections: 97%"),
        ("pair_gap_median", np.log1p(300_000.0), "usual time between tries at this peer: 300s"),
        ("orig_bytes", np.log1p(1234.0), "bytes sent: 1234 bytes"),
        ("orig_bytes", np.nan, "bytes sent: not known"),
        ("pair_tries", 5.0, "connections to this peer and port: 32"),
        ("port_telnet", 1.0, "a telnet port: yes"),
        ("pair_new", 0.0, "first connection to this peer and port: no"),
    ],
)
def test_values_in_words(name: str, value: float, text: str) -> None:
    assert in_words(LAYOUT.features[NAMES.index(name)], value) == text
