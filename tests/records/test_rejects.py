"""Rejects are counted, shown escaped, and never pile up."""

from __future__ import annotations

from zeekml.records import Reject, Rejects
from zeekml.records.rejects import MAX_COUNTED, OTHERS


def test_a_reject_is_shown_on_one_short_line() -> None:
    shown: list[Reject] = []
    rejects = Rejects(shown.append)
    rejects.add("conn.log", 7, "not JSON", b"a\tb\\\xff\n" + b"x" * 5000)
    assert shown[0].text.startswith("a\\x09b\\\\\\xff\\x0ax")
    assert shown[0].text.endswith("x...")
    assert len(shown[0].text) < 600
    assert (rejects.total, rejects.by_reason()) == (1, {"not JSON": 1})


def test_counts_stay_bounded() -> None:
    rejects = Rejects()
    for number in range(MAX_COUNTED + 50):
        rejects.add(f"{number}.log", 1, "not JSON", b"")
    assert rejects.counts[OTHERS, "not JSON"] == 50
    assert rejects.total == sum(rejects.counts.values()) == MAX_COUNTED + 50
