"""docs/operations.md, the dashboard and the alert rules name the metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.steps import MadeStep
from zeekml.drift.report import DriftReport
from zeekml.operations import Telemetry


@pytest.fixture(scope="module")
def metrics() -> dict[str, set[str]]:
    """Every series that a watch serves, with its labels."""
    telemetry = Telemetry("m")
    telemetry.stepped(MadeStep())
    telemetry.sink("syslog", errors=1, waiting=0)
    telemetry.sensor("conn.log", ["gap"])
    telemetry.drift("conn.log", DriftReport(1000, 0.01, 0.02, {"duration": 0.1}))
    telemetry.baseline("ab" * 32, 1_700_000_000.0)
    found: dict[str, set[str]] = {}
    for family in telemetry.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def documented(root: Path) -> dict[str, set[str]]:
    """The table of docs/operations.md."""
    page = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(zeekml_\w+)` \|([\w, ]*)\| .", page, re.MULTILINE)
    return {name: set(labels.replace(",", " ").split()) for name, labels in rows}


def expressions(value: Any) -> Iterator[str]:
    """Every query of a dashboard or of rules."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "expr" or (key == "query" and isinstance(item, str)):
                yield item
            else:
                yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)


def test_the_table_holds_the_metrics_with_their_labels(root: Path, metrics: dict[str, set[str]]) -> None:
    ours = {name: labels for name, labels in metrics.items() if name.startswith("zeekml_")}
    histogram = {f"zeekml_batch_seconds_{part}" for part in ("bucket", "count", "sum")}
    assert histogram <= set(ours)
    expected = {name: labels for name, labels in ours.items() if name not in histogram}
    assert documented(root) == {**expected, "zeekml_batch_seconds": set()}


def test_every_metric_of_dashboard_and_rules_exists(root: Path, metrics: dict[str, set[str]]) -> None:
    dashboard = json.loads((root / "config" / "grafana" / "zeekml.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((root / "config" / "prometheus-rules.yaml").read_text(encoding="utf-8"))
    for place in (dashboard, rules):
        queries = [query for query in expressions(place) if query != "prometheus"]
        assert len(queries) > 10
        for query in queries:
            for name in re.findall(r"\b(?:zeekml|process)_\w+", query):
                assert name in metrics, f"{name} in {query!r}"


def test_every_metric_is_on_the_dashboard(root: Path, metrics: dict[str, set[str]]) -> None:
    text = (root / "config" / "grafana" / "zeekml.json").read_text(encoding="utf-8")
    shown = set(re.findall(r"\bzeekml_\w+", text))
    ours = {name for name in metrics if name.startswith("zeekml_")}
    assert ours - shown <= {
        "zeekml_batch_seconds_count",
        "zeekml_batch_seconds_sum",
        "zeekml_checkpoints_total",
        "zeekml_reload_failed",
    }


def test_labels_of_dashboard_and_rules_exist(root: Path, metrics: dict[str, set[str]]) -> None:
    known = set().union(*metrics.values()) | {"instance"}
    for path in ("grafana/zeekml.json", "prometheus-rules.yaml"):
        text = (root / "config" / path).read_text(encoding="utf-8")
        for group in re.findall(r"\bby \(([^)]*)\)", text):
            assert set(group.replace(",", " ").split()) <= known
        for name in re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", text):
            assert name in known


def test_the_panels_of_the_dashboard_do_not_overlap(root: Path) -> None:
    dashboard = json.loads((root / "config" / "grafana" / "zeekml.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
