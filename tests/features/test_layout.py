"""The layout conn-1: names, sources, and that it does not change unnoticed."""

from __future__ import annotations

import re

import pytest

from zeekml.features import LAYOUT
from zeekml.records.schema import NAMES

#: The only features that look at an address: what kind it is, or whether it is the same one again.
RELATIONS = {
    "orig_local", "resp_local", "resp_group", "host_new_peers", "host_same_peer", "host_failed_new", "host_inside",
    "pair_new", "pair_tries",
}  # fmt: skip

#: The only features that look at times: all of them at the time between two connections.
TIMES = {"host_gap", "host_pace", "pair_gap", "pair_gap_median", "pair_gap_spread"}


def test_names_are_unique_and_plain() -> None:
    assert len(set(LAYOUT.names)) == len(LAYOUT.names)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", name) for name in LAYOUT.names)


def test_every_feature_says_what_it_is() -> None:
    for feature in LAYOUT.features:
        assert feature.sources
        assert set(feature.sources) <= set(NAMES), feature.name
        assert feature.transform
        assert feature.unit
        assert feature.words


def test_no_feature_is_an_address_a_uid_or_a_time() -> None:
    for feature in LAYOUT.features:
        sources = set(feature.sources)
        assert "uid" not in sources
        if {"id.orig_h", "id.resp_h"} & sources:
            assert feature.name in RELATIONS, feature.name
        if "ts" in sources:
            assert feature.name in TIMES, feature.name
        if {"id.orig_p", "id.resp_p"} & sources:
            assert feature.kind == "flag" or feature.transform.startswith(("share", "log2(x)", "mean log2"))


def test_what_tells_the_sensor_is_no_source() -> None:
    assert not any("missed_bytes" in feature.sources for feature in LAYOUT.features)
    assert not {"orig_c", "resp_c", "state_OTH"} & set(LAYOUT.names)


def test_the_layout_has_not_changed_without_a_new_version() -> None:
    """Bundles hold this digest: whoever changes a feature raises the layout's version, and this line."""
    assert (LAYOUT.name, LAYOUT.version, len(LAYOUT.features), LAYOUT.digest) == GOLDEN


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (LAYOUT.names, []),
        (LAYOUT.names[:-1], [f"missing feature {LAYOUT.names[-1]!r}"]),
        ((*LAYOUT.names, "moon"), ["unknown feature 'moon'"]),
        (
            (LAYOUT.names[1], LAYOUT.names[0], *LAYOUT.names[2:]),
            [f"feature 0 is {LAYOUT.names[1]!r}, expected {LAYOUT.names[0]!r}"],
        ),
    ],
    ids=["equal", "too few", "too many", "another order"],
)
def test_differences(names: tuple[str, ...], expected: list[str]) -> None:
    assert LAYOUT.differences(names) == expected


GOLDEN = (
    "conn-1",
    1,
    106,
    "b8b56b28618e1ffdd046f3d2bfc5f9636f5f114695e5a061868ea79579d0a24e",
)
