"""When outputs are rotated, and what they are called then."""

from __future__ import annotations

import time

import pytest

from zeekml.journal.rotation import OutputRotation


@pytest.fixture(autouse=True)
def half_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time zone whose hours do not begin with those of UTC."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()


def local(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))


def test_by_time_at_the_local_hour() -> None:
    hourly = OutputRotation(every=3600)
    opened = local("2026-11-23 14:20:00")
    assert not hourly.is_due(opened, 5, local("2026-11-23 14:59:59"))
    assert hourly.is_due(opened, 5, local("2026-11-23 15:00:00"))
    assert not hourly.is_due(opened, 0, local("2026-11-23 15:00:00"))
    assert hourly.name_for("notice.log", opened, lambda _: False) == "notice.2026-11-23-14-00-00.log"


def test_a_clock_that_jumps_back_rotates_nothing() -> None:
    assert not OutputRotation(every=3600).is_due(
        local("2026-11-23 14:20:00"), 5, local("2026-11-22 01:00:00")
    )


def test_by_size_with_the_time_it_was_begun() -> None:
    by_size = OutputRotation(size=100)
    opened = local("2026-11-23 14:20:05")
    assert not by_size.is_due(opened, 99, opened + 1e9)
    assert by_size.is_due(opened, 100, opened)
    assert by_size.name_for("zeekml.log", opened, lambda _: False) == "zeekml.2026-11-23-14-20-05.log"


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    taken = {"notice.2026-11-23-14-20-05.log", "notice.2026-11-23-14-20-05-1.log"}
    name = OutputRotation(size=1).name_for("notice.log", local("2026-11-23 14:20:05"), taken.__contains__)
    assert name == "notice.2026-11-23-14-20-05-2.log"


def test_left_to_others() -> None:
    assert not OutputRotation().is_due(0.0, 10**12, 1e10)
