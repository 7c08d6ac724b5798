"""The page of features is the layout's."""

from __future__ import annotations

from tests.features.feature_table import PAGE, PARTS, with_tables
from zeekml.features import LAYOUT, StateLimits, connection, pairs
from zeekml.features.kernels.hosts import WINDOW


def test_the_tables_are_those_of_the_layout() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_tables(text), "run python -m tests.features.feature_table"
    assert tuple(feature for part in PARTS.values() for feature in part) == LAYOUT.features


def test_the_page_names_layout_windows_services_and_ports() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"`{LAYOUT.name}`, version {LAYOUT.version}, {len(LAYOUT.features)} features" in text
    assert f"last {WINDOW} connections" in text
    assert f"last {pairs.WINDOW} tries" in text
    for name, words in connection.SERVICES.items():
        assert f"| `service_{name}` | {', '.join(words)} |" in text
    for name, ports in connection.PORTS.items():
        assert f"| `port_{name}` | {', '.join(map(str, ports))} |" in text
    limits = StateLimits()
    assert f"`idle`, {limits.idle:.0f} s" in text
    assert f"`max_pairs`, {limits.max_pairs}" in text
