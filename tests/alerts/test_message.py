"""Notices in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zeekml.alerts import CONNECTION_NOTE, HOST_NOTE, Notice
from zeekml.alerts.message import facts, sentence

ONE = Notice(0, CONNECTION_NOTE, "PortScan", 0.9971, 1, None, 3600.0)
HOST = replace(ONE, note=HOST_NOTE, evidence=31.24)


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        (ONE, "10.0.0.1 made a botnet connection: PortScan, to 192.0.2.4:23/tcp"),
        (replace(ONE, n=7), "10.0.0.1 made 7 botnet connections: PortScan, latest to 192.0.2.4:23/tcp"),
        (
            HOST,
            "10.0.0.1 behaves like a botnet host: PortScan, 1 suspicious connection, latest to 192.0.2.4:23/tcp",
        ),
        (
            replace(HOST, n=57),
            "10.0.0.1 behaves like a botnet host: PortScan, 57 suspicious connections, latest to 192.0.2.4:23/tcp",
        ),
    ],
)
def test_the_message_is_a_sentence(notice: Notice, words: str) -> None:
    assert sentence(notice, orig_h="10.0.0.1", resp_h="192.0.2.4", resp_p=23, proto="tcp") == words


def test_peers_are_written_as_people_write_them() -> None:
    said = sentence(ONE, orig_h="fd00::1", resp_h="2001:db8::1", resp_p=443, proto="udp")
    assert said == "fd00::1 made a botnet connection: PortScan, to [2001:db8::1]:443/udp"
    said = sentence(ONE, orig_h="10.0.0.1", resp_h="192.0.2.4", resp_p=0, proto="icmp")
    assert said == "10.0.0.1 made a botnet connection: PortScan, to 192.0.2.4 (icmp)"


def test_the_facts_name_score_class_model_and_why() -> None:
    assert facts(ONE, model="m", reasons="") == "score=0.997 class=PortScan model=m"
    sick = replace(ONE, sensor=("bad-checksums", "gap"))
    assert facts(sick, model="m", reasons="tries=9") == (
        "score=0.997 class=PortScan model=m sensor=bad-checksums,gap why=tries=9"
    )
    assert facts(HOST, model="m", reasons="tries=9, failed_share=1.00") == (
        "score=0.997 class=PortScan evidence=31.2 model=m why=tries=9, failed_share=1.00"
    )
