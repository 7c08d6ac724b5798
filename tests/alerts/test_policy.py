"""Settings out of range are named; when a host is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zeekml.alerts import AlertPolicy
from zeekml.errors import ConfigError

POLICY = AlertPolicy(connection_threshold=0.9, host_threshold=5.0, evidence_floor=0.5, half_life=600.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connection_threshold", 0.0),
        ("connection_threshold", 1.0),
        ("evidence_floor", 1.5),
        ("host_threshold", 0.0),
        ("half_life", float("nan")),
        ("half_life", float("inf")),
        ("suppress_for", -1.0),
        ("max_hosts", 0),
    ],
)
def test_what_is_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"alerts\.{name} is {value}; expected"):
        replace(POLICY, **{name: value})  # type: ignore[arg-type]


def test_a_host_is_forgotten_when_nothing_of_it_matters() -> None:
    assert POLICY.forget_after == 6000.0
    assert replace(POLICY, suppress_for=86400.0).forget_after == 86400.0
