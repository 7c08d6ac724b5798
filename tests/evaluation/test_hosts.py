"""Host verdicts, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.made import BOT, CLEAN, LOUD, PARTS, QUIET, A, notice, part, verdicts
from zeekml.alerts.notices import CONNECTION_NOTE, HOST_NOTE
from zeekml.evaluation.hosts import Rows, false_alerts, host_outcomes, network_outcome

BOTS, NETWORK = PARTS


def test_when_an_infected_host_was_flagged() -> None:
    bot, quiet = host_outcomes(BOTS.as_rows, A["bots"], BOTS.known)
    assert (bot["host"], bot["connections"], bot["malicious"], bot["alerting"]) == (BOT, 4, 2, 3)
    # Its connections are 0, 2, 3 and 5, a minute each; the first malicious one is 2.
    assert bot["connection_notice"] == {
        "class": "PortScan", "connections": 2, "malicious": 1, "seconds": 120.0, "seconds_malicious": 0.0,
    }  # fmt: skip
    assert bot["host_notice"] == {
        "class": "PortScan", "connections": 3, "malicious": 2, "seconds": 180.0, "seconds_malicious": 60.0,
    }  # fmt: skip
    assert (quiet["host"], quiet["connection_notice"], quiet["host_notice"]) == (QUIET, None, None)


def test_later_notices_are_counted_and_the_first_is_told() -> None:
    notices = [notice(0, HOST_NOTE, "C&C", 0.9), notice(5, HOST_NOTE, "PortScan", 0.9)]
    found = host_outcomes(BOTS.as_rows, replace(A["bots"], notices=notices), BOTS.known)[0]
    assert found["host_notices"] == 2
    assert (found["host_notice"]["class"], found["host_notice"]["connections"]) == ("C&C", 1)
    # Before anything malicious happened.
    assert found["host_notice"]["seconds_malicious"] is None


def test_a_clock_never_goes_back() -> None:
    one = part("x", [BOT] * 3, [1, 1, 1], {BOT: True})
    frame = one.frame.assign(ts=[1.7e9, 1.7e9 + 500, 1.7e9 + 100])
    told = verdicts([0.1, 0.1, 0.9], [1, 1, 1], [notice(2, HOST_NOTE, "PortScan", 0.9)])
    (found,) = host_outcomes(Rows(frame, one.as_rows.labels, np.ones(3, bool)), told, one.known)
    assert found["host_notice"]["seconds"] == 500


def test_of_an_overlay_only_the_bots_own_connections_count() -> None:
    one = part("x", [BOT] * 4, [0, 0, 1, 1], {BOT: True})
    own = np.array([False, False, True, True])
    early = [notice(0, HOST_NOTE, "C&C", 0.9), notice(3, HOST_NOTE, "PortScan", 0.9)]
    (found,) = host_outcomes(
        Rows(one.frame, one.as_rows.labels, own), verdicts([0.9] * 4, [1] * 4, early), one.known
    )
    assert (found["connections"], found["malicious"], found["alerting"], found["host_notices"]) == (
        2,
        2,
        2,
        1,
    )
    assert (found["host_notice"]["connections"], found["host_notice"]["seconds"]) == (2, 60.0)


def test_hosts_without_a_connection_are_left_out() -> None:
    found = host_outcomes(NETWORK.as_rows, A["clean"], {"10.9.9.9": True, CLEAN: False})
    assert [host["host"] for host in found] == [CLEAN]


def test_false_alerts_by_host_and_day() -> None:
    hosts = host_outcomes(NETWORK.as_rows, A["clean"], NETWORK.known)
    found = network_outcome(NETWORK.as_rows, A["clean"], hosts)
    assert (found["clean_hosts"], found["clean_connections"], found["clean_alerting"]) == (2, 4, 1)
    assert found["days"] == pytest.approx(181 / 86400)
    assert found["false_host_notices"] == 1
    assert found["false_host_notices_per_host_day"] == pytest.approx(1 / (2 * 181 / 86400))
    (alert,) = false_alerts(NETWORK.as_rows, A["clean"], hosts)
    assert (alert["host"], alert["uid"], alert["class"], alert["why"]) == (
        LOUD,
        "Cclean3",
        "C&C",
        "why, in words",
    )


def test_notices_about_infected_hosts_and_connection_notices_are_no_false_host_alerts() -> None:
    assert false_alerts(BOTS.as_rows, A["bots"], host_outcomes(BOTS.as_rows, A["bots"], BOTS.known)) == []
    told = replace(A["clean"], notices=[notice(1, CONNECTION_NOTE, "C&C", 0.9)], reasons=[""])
    assert false_alerts(NETWORK.as_rows, told, host_outcomes(NETWORK.as_rows, told, NETWORK.known)) == []


def test_a_network_of_one_moment_has_no_rate() -> None:
    one = part("x", [CLEAN], [0], {CLEAN: False})
    frame = one.frame.assign(duration=0.0)
    told = verdicts([0.1], [1], [])
    rows = Rows(frame, one.as_rows.labels, np.ones(1, bool))
    found = network_outcome(rows, told, host_outcomes(rows, told, one.known))
    assert (found["days"], found["false_host_notices_per_host_day"]) == (0, None)
