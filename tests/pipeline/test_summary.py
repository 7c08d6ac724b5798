"""The counts of a run."""

from __future__ import annotations

import pandas as pd
import pytest

from zeekml.pipeline import summary
from zeekml.pipeline.summary import HostCount, Summary
from zeekml.table import Labels, Table


def column(*hosts: str) -> Labels:
    return Table.of(pd.DataFrame({"id.orig_h": list(hosts)})).label("id.orig_h")


def test_a_host_counts_once_in_its_stream() -> None:
    hosts = HostCount()
    hosts.add("a", column("10.0.0.1", "10.0.0.2", "10.0.0.1"))
    hosts.add("a", column("10.0.0.2"))
    assert (len(hosts), str(hosts)) == (2, "2")
    hosts.add("b", column("10.0.0.2"))
    assert len(hosts) == 3


def test_beyond_the_bound_the_count_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "HOSTS_COUNTED", 3)
    hosts = HostCount()
    hosts.add("a", column("1", "2", "3", "4"))
    hosts.add("a", column("5"))
    assert (len(hosts), str(hosts)) == (3, "more than 3")


def test_the_rate_of_nothing_is_zero() -> None:
    assert Summary().rate == 0
    assert Summary(connections=10, seconds=2).rate == 5
