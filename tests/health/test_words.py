"""Findings in words."""

from __future__ import annotations

import pytest

from zeekml.health import CODES
from zeekml.health.findings import Seen, finding

SEEN = Seen(2, 8, 300, 512, 1_700_000_000.0, 1_700_003_600.0, 90_000.0, "192.168.1.3")
WHERE = " in 2 of 8 parts of the log (2023-11-14 22:13:20Z to 2023-11-14 23:13:20Z)"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("bad-checksums", f"bad checksums in 300 of 512 connections, most lately from 192.168.1.3{WHERE}"),
        (
            "one-sided",
            f"only one side was seen of 300 of 512 TCP and UDP connections, most lately from 192.168.1.3{WHERE}",
        ),
        ("no-answers", f"300 of 512 hosts inside were never answered by anybody{WHERE}"),
        (
            "reversed",
            "300 of 512 TCP connections begin in the middle and from a service's port, most lately from "
            f"192.168.1.3{WHERE}",
        ),
        ("missed-bytes", f"bytes are missing in 300 of 512 TCP connections with payload{WHERE}"),
        (
            "gap",
            "300 gaps without any connection, the longest of 25.0 h (2023-11-14 22:13:20Z to 2023-11-14 23:13:20Z)",
        ),
        (
            "clock",
            "the clock went back 300 times, by 25.0 h at most (2023-11-14 22:13:20Z to 2023-11-14 23:13:20Z)",
        ),
        (
            "shared-address",
            "192.168.1.3 makes 300 of 512 connections to the outside, from source ports of more than one operating "
            f"system{WHERE}",
        ),
        (
            "proxy",
            f"192.168.1.3 makes 300 of 512 connections to the outside and is whom the other hosts talk to{WHERE}",
        ),
    ],
)  # fmt: skip
def test_what_was_seen_is_said_with_its_figures(code: str, said: str) -> None:
    assert finding(code, SEEN).seen == said


@pytest.mark.parametrize("code", CODES)
def test_every_finding_is_one_line_and_says_what_to_do(code: str) -> None:
    told = finding(code, Seen(1, 1, 1, 1))
    assert str(told) == f"{code}: {told.seen}; {told.means}; {told.cure}"
    assert str(told).isprintable()
    assert told.cure
    assert ("not hold" in told.means) is not told.thresholds_hold


def test_a_log_that_is_wrong_throughout_has_no_times() -> None:
    assert (
        finding("missed-bytes", Seen(8, 8, 3, 9)).seen
        == "bytes are missing in 3 of 9 TCP connections with payload"
    )


@pytest.mark.parametrize("moment", [float("inf"), float("nan"), 1e300, -1e300])
def test_times_beyond_every_calendar_are_numbers(moment: float) -> None:
    assert " to " in finding("clock", Seen(1, 2, 1, 1, moment, moment, 9e9)).seen


@pytest.mark.parametrize(
    ("seconds", "said"), [(660, "11 min"), (7200, "2.0 h"), (172_800, "2.0 days"), (8.64e7, "1,000.0 days")]
)
def test_spans_are_said_in_their_unit(seconds: float, said: str) -> None:
    assert f"the longest of {said} (" in finding("gap", Seen(1, 1, 1, 1, worst=seconds)).seen


def test_an_address_that_is_none_is_shown_on_one_printable_line() -> None:
    told = finding("proxy", Seen(1, 1, 1, 1, host="\x1b[31m\n\u202e\udc80" + 500 * "x")).seen
    assert told.isprintable()
    assert told.startswith(r"\x1b[31m\n\u202e\udc80xxx")
    assert len(told) < 200
