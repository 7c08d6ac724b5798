"""The same made traffic as Zeek writes it and as Suricata does.

Suricata's flows have no payload bytes and no history; the model gets what the rest tells of them (docs/features.md).
What must hold exactly: nothing else differs, so that a Zeek log without these columns gets the very scores and host
verdicts of the Suricata log. What must hold of the whole Zeek log: the same hosts are named.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.formats import read, without_payload
from zeekml.alerts.notices import HOST_NOTE
from zeekml.config import Settings
from zeekml.evaluation.verdicts import Judge, Verdicts
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import load_bundle
from zeekml.simulate import Scenario, write_traffic

SCENARIOS = [
    Scenario(connections=4_000, seed=0),
    Scenario(connections=4_000, seed=1),
    Scenario(connections=4_000, seed=2, hosts=40),
    Scenario(connections=2_000, seed=3, patterns=("browsing", "dns", "mirai-scan")),
    Scenario(connections=2_000, seed=4, patterns=("browsing", "beacon-regular", "beacon-jittered")),
]


def judged(frame: pd.DataFrame) -> Verdicts:
    return Judge(load_bundle(DEFAULT_MODEL), Settings()).judge(frame, "conn")


def named(frame: pd.DataFrame, verdicts: Verdicts) -> dict[str, str]:
    """The hosts with a host notice, and the class of the first."""
    found: dict[str, str] = {}
    for notice in verdicts.notices:
        if notice.note == HOST_NOTE:
            found.setdefault(str(frame["id.orig_h"].iloc[notice.row]), notice.class_name)
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_suricatas_log_is_zeeks_without_payload_and_history(scenario: Scenario, tmp_path: Path) -> None:
    for log_format in ("tsv", "json", "eve"):
        write_traffic(tmp_path / f"conn.{log_format}", scenario, format=log_format)
    eve = read(tmp_path / "conn.eve")
    suricata = judged(eve)
    for log_format in ("tsv", "json"):
        zeek = without_payload(read(tmp_path / f"conn.{log_format}"))
        stripped = judged(zeek)
        np.testing.assert_allclose(stripped.score, suricata.score, atol=1e-4)
        assert named(zeek, stripped) == named(eve, suricata)


@pytest.mark.parametrize("scenario", SCENARIOS[:3], ids=str)
def test_a_scanner_is_named_in_every_format_and_no_clean_host_in_one_alone(
    scenario: Scenario, tmp_path: Path
) -> None:
    write_traffic(tmp_path / "labelled", scenario, labels=True)
    lines = [
        line.split("\t") for line in (tmp_path / "labelled").read_text().splitlines() if "Malicious" in line
    ]
    scanners = {line[2] for line in lines if line[-1] == "PortScan"}
    malicious = {line[2] for line in lines}
    hosts = {}
    for log_format in ("tsv", "json", "eve"):
        write_traffic(tmp_path / log_format, scenario, format=log_format)
        frame = read(tmp_path / log_format)
        hosts[log_format] = set(named(frame, judged(frame)))
    assert hosts["tsv"] == hosts["json"]
    for found in hosts.values():
        assert scanners <= found <= malicious


def test_both_formats_name_the_same_hosts(tmp_path: Path) -> None:
    for seed in range(20):
        hosts = []
        for log_format in ("tsv", "eve"):
            path = tmp_path / f"{seed}.{log_format}"
            write_traffic(path, Scenario(connections=5_000, seed=seed), format=log_format)
            frame = read(path)
            hosts.append(set(named(frame, judged(frame))))
        assert hosts[0] == hosts[1]
        assert hosts[0]
