"""Facts: every feature belongs to one, and what they say of a connection can be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.builders import Floats, matrix_of, one
from zeekml.features import LAYOUT
from zeekml.scoring.facts import FACTS, Columns, Values, fact_of_feature

BY_NAME = {fact.name: fact for fact in FACTS}


def row(**values: float) -> Floats:
    """The features of one plain connection with some replaced."""
    line: Floats = matrix_of(one())[0]
    for name, value in values.items():
        line[LAYOUT.names.index(name)] = value
    return line


def test_every_feature_belongs_to_one_fact() -> None:
    held = np.concatenate([fact.features for fact in FACTS])
    assert sorted(held.tolist()) == list(range(len(LAYOUT.names)))
    assert (fact_of_feature() >= 0).all()
    assert len(BY_NAME) == len(FACTS)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        len(LAYOUT.names),
        elements=st.one_of(st.just(np.nan), st.floats(0, 30, width=32), st.sampled_from([0.0, 1.0])),
    )
)
def test_any_values_give_words_without_separators(values: Floats) -> None:
    flags = np.array([feature.kind == "flag" for feature in LAYOUT.features])
    values[flags] = np.nan_to_num(values[flags]) > 1
    for fact in FACTS:
        words = fact.words(Values(Columns(values[None])))
        assert ";" not in words
        assert "nan" not in words
        assert "inf" not in words
        assert words.isprintable()


MS = 1000.0
SAID: tuple[tuple[str, dict[str, float], str], ...] = (
    (
        "failures",
        {"host_failed": 0.97, "host_failed_new": 0.94},
        "97% of its last connections failed, 94% at new peers",
    ),
    ("failures", {"host_failed": 0.5, "host_failed_new": 0.0}, "50% of its last connections failed"),
    ("failures", {"host_failed": 0.0}, ""),
    ("lookups", {"host_dns": 0.0}, ""),
    ("pace", {"host_pace": np.log1p(6.0)}, "a connection every 6 ms"),
    ("sent", {"orig_pkts": np.log1p(1.0), "orig_bytes": np.log1p(67.0)}, "67 bytes sent in 1 packet"),
    (
        "peers",
        {"host_new_peers": 0.9, "host_same_peer": 0.1},
        "90% of its last connections went to new peers",
    ),
    (
        "peers",
        {"host_new_peers": 0.1, "host_same_peer": 1.0},
        "100% of its last connections went to this peer",
    ),
    (
        "ports",
        {"host_new_ports": 0.1, "host_same_port": 1.0},
        "100% of its last connections went to this port",
    ),
    ("pace", {"host_pace": np.log1p(0.2 * MS)}, "a connection every 0.2 s"),
    ("pace", {"host_pace": np.nan}, ""),
    ("port", {"port_https": 0.0, "port_http": 0.0, "port_telnet": 1.0}, "to a telnet port"),
    ("received", {"resp_pkts": 0.0}, "nothing received"),
    (
        "received",
        {"resp_pkts": np.log1p(4.0), "resp_bytes": np.log1p(12_345.0)},
        "12,345 bytes received in 4 packets",
    ),
    (
        "received",
        {"resp_pkts": np.log1p(2.0), "resp_bytes": np.nan, "resp_ip_bytes": np.log1p(80.0)},
        "80 bytes received in 2 packets",
    ),
    (
        "lookups",
        {"host_dns": 0.8, "host_dns_query": np.log2(65.0)},
        "80% of its last connections are DNS, with queries of about 64 bytes",
    ),
    ("sides", {"resp_group": 1.0}, "to a broadcast or multicast address"),
    ("sides", {"resp_group": 0.0, "host_inside": 0.25}, "75% of its last connections leave the network"),
    ("beat", {"pair_new": 1.0}, "its first connection to this peer and port"),
    (
        "beat",
        {
            "pair_new": 0.0,
            "pair_tries": np.log2(48.0),
            "pair_gap_median": np.log1p(300 * MS),
            "pair_gap_spread": 0.01,
            "pair_sent_spread": 0.0,
        },
        "connection 48 to this peer and port, every 300 s, of the same size",
    ),
)


@pytest.mark.parametrize(("fact", "values", "words"), SAID)
def test_what_facts_say(fact: str, values: dict[str, float], words: str) -> None:
    assert BY_NAME[fact].words(Values(Columns(row(**values)[None]))) == words
