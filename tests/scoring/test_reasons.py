"""Reasons: which facts are named, that taking them back lowers the score, and how features are written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import Floats, matrix_of, one, random_log, tiny_bundle
from tests.scoring.test_trees import grown
from zeekml.features import LAYOUT
from zeekml.scoring import Bundle, load_bundle
from zeekml.scoring.facts import FACTS, fact_of_feature
from zeekml.scoring.occlusion import Occlusion
from zeekml.scoring.reasons import NAMED, Reasons, in_words, seen, typical_features
from zeekml.scoring.trees import pooled

NAMES = list(LAYOUT.names)


@pytest.fixture(scope="module")
def with_trees(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle with trees beside its network."""
    plain = load_bundle(tiny_bundle(tmp_path_factory.mktemp("reasons") / "tiny"))
    part = {"count": 8, "share": 0.5}
    manifest = plain.manifest.model_validate(plain.manifest.model_dump() | {"trees": part})
    return replace(plain, manifest=manifest, trees=grown(np.random.default_rng(5), 8, len(NAMES))[0])


def leaning_on(bundle: Bundle, **weights: float) -> Reasons:
    """Reasons in which only these features move the network, and a typical connection has none of them."""
    channels = bundle.encoding.feature_of_channel()
    coefficients = np.zeros(len(channels), dtype=np.float32)
    for name, weight in weights.items():
        coefficients[channels == NAMES.index(name)] = weight
    return Reasons(
        replace(bundle, reason_coefficients=coefficients, reason_typical=np.zeros_like(coefficients))
    )


def matrix(**values: float) -> Floats:
    """The features of one plain connection with some replaced."""
    line = matrix_of(one())
    for name, value in values.items():
        line[0, NAMES.index(name)] = value
    return line


def test_parts_of_a_network_alone_add_up(bundle: Bundle) -> None:
    features = matrix_of(random_log(0, 40))
    encoded = bundle.encoding.encode(features)
    expected = (encoded - bundle.reason_typical) @ bundle.reason_coefficients
    parts = Reasons(bundle).parts(features, np.zeros(40))
    assert parts.shape == (40, len(FACTS))
    np.testing.assert_allclose(parts.sum(axis=1), expected, atol=1e-4)


def test_trees_are_asked_with_each_fact_taken_back(with_trees: Bundle) -> None:
    """As if each fact's features were replaced and the trees walked anew."""
    assert with_trees.trees is not None
    features = matrix_of(random_log(1, 50))
    typical = typical_features(with_trees.encoding, with_trees.reason_typical)
    groups = fact_of_feature()
    found = Occlusion(with_trees.trees, groups, len(FACTS), typical).log_odds(features)[0]
    for at, fact in enumerate(FACTS):
        changed = features.copy()
        changed[:, fact.features] = typical[fact.features]
        np.testing.assert_allclose(found[:, at], with_trees.trees.log_odds(changed), atol=1e-6)
    groups[groups == 3] = -1
    kept, whole = Occlusion(with_trees.trees, groups, len(FACTS), typical).log_odds(features)
    np.testing.assert_allclose(whole, with_trees.trees.log_odds(features), atol=1e-6)
    np.testing.assert_allclose(kept[:, 3], with_trees.trees.log_odds(features), atol=1e-6)
    np.testing.assert_allclose(np.delete(kept, 3, axis=1), np.delete(found, 3, axis=1), atol=1e-6)


def test_a_part_is_what_both_together_lose(with_trees: Bundle) -> None:
    assert with_trees.trees is not None
    features, network = matrix_of(random_log(2, 30)), np.linspace(-3, 3, 30)
    parts = Reasons(with_trees).parts(features, network)
    alone = Reasons(replace(with_trees, trees=None)).parts(features, network)
    typical = typical_features(with_trees.encoding, with_trees.reason_typical)
    without, _ = Occlusion(with_trees.trees, fact_of_feature(), len(FACTS), typical).log_odds(features)
    whole = pooled(network, with_trees.trees.log_odds(features), 0.5)
    expected = whole[:, None] - pooled(network[:, None] - alone, without, 0.5)
    np.testing.assert_allclose(parts, expected, atol=1e-6)


def test_a_fact_that_the_network_does_not_see_moves_nothing(with_trees: Bundle) -> None:
    """Nor do trees then: what is typical of its features is not known."""
    assert with_trees.trees is not None
    used = np.array([not name.startswith("pair_") for name in NAMES])
    encoding = replace(with_trees.encoding, used=used)
    width = encoding.channels
    blind = replace(
        with_trees,
        encoding=encoding,
        reason_coefficients=np.ones(width, dtype=np.float32),
        reason_typical=np.zeros(width, dtype=np.float32),
    )
    parts = Reasons(blind).parts(matrix_of(random_log(2, 30)), np.zeros(30))
    at = [fact.name for fact in FACTS].index("beat")
    np.testing.assert_allclose(parts[:, at], 0, atol=1e-9)
    assert (parts != 0).any()


def test_the_strongest_are_named_first(bundle: Bundle) -> None:
    reasons = leaning_on(bundle, host_failed=2.0, port_telnet=3.0, proto_tcp=1.0, state_S0=0.2)
    line = matrix(host_failed=1.0, port_telnet=1.0, proto_tcp=1.0, state_S0=1.0, state_SF=0.0, port_https=0.0)
    named = [FACTS[fact].name for fact in reasons.named(line, np.zeros(1))[0]]
    parts = reasons.parts(line, np.zeros(1))[0]
    assert named == [FACTS[fact].name for fact in np.argsort(-parts)[:NAMED]]
    assert set(named) == {"failures", "port", "service"}
    assert "to a telnet port" in reasons.texts(line, np.zeros(1))[0].split("; ")
    assert NAMED == 3


def test_what_speaks_for_benign_is_not_named_beside_others(bundle: Bundle) -> None:
    reasons = leaning_on(bundle, proto_tcp=-1.0, port_telnet=1.0)
    line = matrix(proto_tcp=1.0, port_telnet=1.0, port_https=0.0)
    assert reasons.texts(line, np.zeros(1)) == ["to a telnet port"]


def test_something_is_named_even_where_no_fact_moves_the_score(bundle: Bundle) -> None:
    text = leaning_on(bundle).texts(matrix(), np.zeros(1))
    assert len(text[0].split("; ")) == 1
    assert text[0]


def test_typical_values_lie_where_benign_connections_are(bundle: Bundle) -> None:
    """The mean encoding of copies of one connection leads back to it, but for what bins cannot tell."""
    features = np.repeat(matrix_of(random_log(0, 40))[7:8], 5, axis=0)
    encoding = bundle.encoding
    typical = typical_features(encoding, encoding.encode(features).mean(axis=0))
    np.testing.assert_array_equal(typical[~encoding.is_number], features[0, ~encoding.is_number])
    np.testing.assert_array_equal(np.isnan(typical), np.isnan(features[0]))
    edges = encoding.edges
    held = np.clip(features[0, encoding.is_number], edges[:, 0], edges[:, -1])
    np.testing.assert_allclose(
        np.nan_to_num(typical[encoding.is_number]), np.nan_to_num(held), rtol=1e-3, atol=1e-3
    )


def test_many_rows_at_once_are_as_one_by_one(with_trees: Bundle) -> None:
    features, network = matrix_of(random_log(0, 300)), np.random.default_rng(0).normal(size=300)
    reasons = Reasons(with_trees)
    found = reasons.texts(features, network)
    assert found == [reasons.texts(features[i : i + 1], network[i : i + 1])[0] for i in range(300)]
    assert all(1 <= len(text.split("; ")) <= NAMED for text in found)


def test_no_rows_have_no_texts(with_trees: Bundle) -> None:
    empty = np.empty((0, len(NAMES)), dtype=np.float32)
    assert Reasons(with_trees).texts(empty, np.empty(0)) == []


def test_every_fact_of_one_row(with_trees: Bundle) -> None:
    features = matrix_of(random_log(0, 40))
    reasons = Reasons(with_trees)
    found = reasons.of_row(features[-1], 0.5)
    assert [reason.fact for reason in found] == [fact.name for fact in FACTS]
    np.testing.assert_allclose(
        [reason.part for reason in found], reasons.parts(features[-1:], np.array([0.5]))[0], atol=1e-6
    )
    assert sorted(name for reason in found for name in reason.features) == sorted(NAMES)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("host_failed", 0.97, "share of failed connections: 97%"),
        ("payload_share", 0.5, "share of payload in what was sent: 50%"),
        ("pair_gap_median", np.log1p(300_000.0), "usual time between tries at this peer: 300 s"),
        ("orig_bytes", np.log1p(1234.0), "bytes sent: 1,234 bytes"),
        ("orig_bytes", np.nan, "bytes sent: not known"),
        ("pair_tries", 5.0, "connections to this peer and port: 32"),
        ("host_dns_query", np.log2(65.0), "size of its DNS queries: 64 bytes"),
        ("byte_ratio", 1.5, "sent against received: 1.5"),
        ("port_telnet", 1.0, "a telnet port: yes"),
        ("pair_new", 0.0, "first connection to this peer and port: no"),
    ],
)
def test_values_in_words(name: str, value: float, text: str) -> None:
    assert in_words(LAYOUT.features[NAMES.index(name)], value) == text


def test_every_feature_is_seen_in_order() -> None:
    line = matrix_of(random_log(0, 10))[3]
    found = seen(line)
    assert [one.feature for one in found] == NAMES
    for one_seen, value in zip(found, line, strict=True):
        assert (one_seen.value is None) == bool(np.isnan(value))
