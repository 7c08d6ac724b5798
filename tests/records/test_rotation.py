"""Rotation dates taken out of paths."""

from __future__ import annotations

from datetime import datetime

import pytest

from zeekml.records.rotation import rotation

D = datetime


@pytest.mark.parametrize(
    ("path", "stem", "moment", "number"),
    [
        ("logs/conn.log", "logs/conn.log", None, 0),
        ("logs/current/conn.log", "logs/conn.log", None, 0),
        ("logs/conn.2026-11-23-10-00-00.log", "logs/conn.log", D(2026, 11, 23, 10), 0),
        ("q/conn__2026-11-23-10-00-00__2026-11-23-11-00-00__.log", "q/conn.log", D(2026, 11, 23, 10), 0),
        ("logs/2026-11-23/conn.06:00:00-07:00:00.log.gz", "logs/conn.log", D(2026, 11, 23, 6), 0),
        ("conn_20200816_06:00:00-07:00:00+0000.log.gz", "conn.log", D(2020, 8, 16, 6), 0),
        ("conn_20200816_06:00:00-07:00:00-0400.log.gz", "conn.log", D(2020, 8, 16, 10), 0),
        ("conn_20200816_06:00:00-07:00:00Z.log.zst", "conn.log", D(2020, 8, 16, 6), 0),
        ("eve-2026-11-23.json", "eve.json", D(2026, 11, 23), 0),
        ("eve-2026-11-23-10:30.json", "eve.json", D(2026, 11, 23, 10, 30), 0),
        ("eve.json.1.gz", "eve.json", None, 1),
        ("conn.log.12", "conn.log", None, 12),
        ("conn.log-20261123.gz", "conn.log", D(2026, 11, 23), 0),
        ("conn-2026-11-23T10-30-00.log", "conn.log", D(2026, 11, 23, 10, 30), 0),
        ("20261123/conn.log", "conn.log", D(2026, 11, 23), 0),
        ("2026-11-23.log", "log", D(2026, 11, 23), 0),
        ("lab-34-1.conn.log.labeled.gz", "lab-34-1.conn.log.labeled", None, 0),
        ("sample_2020Apr_b0f2d5.conn.log", "sample_2020Apr_b0f2d5.conn.log", None, 0),
        ("192.168.1.1.conn.log", "192.168.1.1.conn.log", None, 0),
        ("conn.20261340.log", "conn.20261340.log", None, 0),
        ("conn.2026-02-31.log", "conn.log", None, 0),
    ],
)
def test_the_date_is_taken_out(path: str, stem: str, moment: datetime | None, number: int) -> None:
    turned = rotation(path)
    assert (turned.stem, turned.moment, turned.number) == (stem, moment, number)
