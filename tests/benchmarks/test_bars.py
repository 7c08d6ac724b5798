"""Ratios and bars follow from the rows of a run."""

from __future__ import annotations

import pytest

from benchmarks.bars import BOOSTED, FOREST, READ, SCORE, Bar, Row, bars


def row(tool: str, wall: float, connections: int = 1000, form: str = "tsv", **changes: object) -> Row:
    values: dict[str, object] = {
        "tool": tool, "connections": connections, "form": form, "malicious": None, "hosts": None, "log_mib": 1.0,
        "wall_s": wall, "cpu_s": wall, "peak_mib": 300.0, "connections_per_s": connections / wall,
    }  # fmt: skip
    return Row(**(values | changes))  # type: ignore[arg-type]


def found(*rows: Row) -> dict[str, tuple[float, bool | None]]:
    return {bar.name: (bar.value, bar.held) for bar in bars(rows)}


def test_every_peer_is_compared_on_the_same_log() -> None:
    rows = [
        row(SCORE, 4.0), row(READ, 5.0), row(FOREST, 20.0), row(BOOSTED, 8.0),
        row(SCORE, 6.0, malicious=0.001), row(READ, 5.0, malicious=0.001), row(FOREST, 60.0, malicious=0.001),
    ]  # fmt: skip
    assert found(*rows) == {
        "score / zat only reading, 1,000 connections": (0.8, True),
        "random forest on zat / score, 1,000 connections": (5.0, None),
        "boosted trees / score, 1,000 connections": (2.0, None),
        "score / zat only reading, 1,000 connections, 0.001 malicious": (1.2, False),
        "random forest on zat / score, 1,000 connections, 0.001 malicious": (10.0, None),
    }


@pytest.mark.parametrize(
    ("learnt", "seconds", "held"),
    [
        ("captures", 40.0, True),
        ("captures", 39.0, False),
        ("a log of the user's", 39.0, None),
        ("", 39.0, None),
        ("", 44.0, None),
    ],
)
def test_only_a_forest_fitted_on_captures_is_held_to_anything(
    learnt: str, seconds: float, held: bool | None
) -> None:
    (bar,) = bars([row(SCORE, 4.0), row(FOREST, seconds, learnt=learnt)])
    fitted = f", fitted on {learnt}," if learnt else ""
    assert bar.name == f"random forest on zat{fitted} / score, 1,000 connections"
    assert (bar.held, bar.bar) == (held, "none" if held is None else "at least 10")


def test_formats_are_compared_with_tsv_of_the_same_log() -> None:
    rows = [row(SCORE, 4.0), row(SCORE, 6.0, form="json"), row(SCORE, 5.2, form="tsv.gz"), row(SCORE, 8.0, form="eve"),
            row(SCORE, 9.0, form="json", malicious=0.1)]  # fmt: skip
    assert found(*rows) == {
        "json / tsv, 1,000 connections": (1.5, True),
        "tsv.gz / tsv, 1,000 connections": (1.3, False),
        "eve / tsv, 1,000 connections": (2.0, None),
    }


def test_the_largest_log_is_compared_with_the_next() -> None:
    rows = [row(SCORE, 1.0), row(SCORE, 25.0, 10_000, peak_mib=1100.0), row(SCORE, 5.0, 5_000)]
    assert found(*rows) == {
        "rate at 10,000 / at 5,000": (0.4, False),
        "peak MiB, 10,000 connections": (1100.0, False),
    }


def test_a_bar_says_what_it_is() -> None:
    assert [Bar("x", 1.0).bar, Bar("x", 1.0, most=2.5).bar, Bar("x", 1.0, least=10).bar] == [
        "none",
        "at most 2.5",
        "at least 10",
    ]
