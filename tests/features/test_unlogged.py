"""Payload bytes and histories worked out for sensors that log none, held against what Zeek would write."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from numpy.typing import NDArray

from benchmarks.formats import read, without_payload
from tests.builders import arrow_of, frame_of, logs, matrix_of, one, row, values_of
from zeekml.features import LAYOUT, StateLimits, StreamState, connection, features, unlogged
from zeekml.features.connection import Connections
from zeekml.simulate import Scenario, write_traffic
from zeekml.table import Table

PAYLOAD = ("orig_bytes", "resp_bytes")
LETTERS = {f.name for f in LAYOUT.features if f.sources == ("history",) and f.name != "history_missing"}


def unlogged_row(**changes: object) -> dict[str, object]:
    """A connection as Suricata logs it."""
    return row(**{"orig_bytes": None, "resp_bytes": None, "history": None, **changes})


def payload(**changes: object) -> tuple[float, float]:
    """Payload bytes of both directions of one connection."""
    batch = Connections(Table.of(frame_of([unlogged_row(**changes)])))
    return float(batch.orig_bytes[0]), float(batch.resp_bytes[0])


def letters(**changes: object) -> set[str]:
    """The letters of the history of one connection, as features have them."""
    values = values_of(frame_of([unlogged_row(**changes)]))[0]
    found = {name for name in LETTERS if values[name]}
    assert values["history_missing"] == (not found)
    return {name[-1].upper() if name.startswith("orig") else name[-1] for name in found}


@pytest.mark.parametrize(
    ("sent", "received", "changes", "expected"),
    [
        # With timestamps every packet has 12 bytes of options, the first 20.
        ((6, 52 * 6 + 8 + 300), (5, 52 * 5 + 8 + 9000), {}, (300, 9000)),
        # Where one direction has no room for them, neither has them.
        ((6, 40 * 6 + 8 + 300), (5, 40 * 5 + 8), {}, (300, 0)),
        ((3, 40 * 3 + 12), (1, 44), {}, (0, 0)),
        ((2, 60 * 2 + 8 + 50), (1, 60), {"id_orig_h": "2001:db8::1", "id_resp_h": "2001:db8::2"}, (50, 0)),
        ((2, 28 * 2 + 60), (1, 28 + 100), {"proto": "udp"}, (60, 100)),
        ((2, 168), (0, 0), {"proto": "icmp", "conn_state": "OTH"}, (112, 0)),
        # A connection that never came about has none, whatever its SYNs hold.
        ((4, 240), (0, 0), {"conn_state": "S0"}, (0, 0)),
        ((4, 400), (4, 160), {"conn_state": "REJ"}, (0, 0)),
        # Timestamps are told from packets of both directions.
        ((20, 40 * 20 + 20_000), (0, 0), {"conn_state": "OTH"}, (19_992, 0)),
    ],
)
def test_headers_and_options_are_taken_off(
    sent: tuple[int, int], received: tuple[int, int], changes: dict[str, Any], expected: tuple[float, float]
) -> None:
    counts = zip(("orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"), sent + received, strict=True)
    assert payload(**{name: float(count) for name, count in counts}, **changes) == expected


def test_a_single_packet_has_no_payload_size_as_in_zeeks_log() -> None:
    assert all(math.isnan(size) for size in payload(duration=None, orig_pkts=1.0, resp_pkts=0.0))


@pytest.mark.parametrize(
    "changes", [{"orig_ip_bytes": None}, {"orig_pkts": None}, {"proto": "sctp"}], ids=str
)
def test_where_nothing_tells_it_stays_unset(changes: dict[str, Any]) -> None:
    assert math.isnan(payload(**changes)[0])


def test_what_the_log_gives_stands() -> None:
    half = Connections(Table.of(one(orig_bytes=7.0, resp_bytes=None)))
    assert half.orig_bytes[0] == 7
    assert math.isnan(half.resp_bytes[0])


@pytest.mark.parametrize(("state", "expected"), unlogged.TOLD_BY_STATE.items())
def test_the_state_tells_flags(state: str, expected: str) -> None:
    quiet = {"orig_pkts": 1.0, "resp_pkts": 1.0, "orig_ip_bytes": 40.0, "resp_ip_bytes": 40.0}
    assert letters(conn_state=state, **quiet) == set(expected)


def test_packets_and_payload_tell_acknowledgements_and_data() -> None:
    assert letters() == set("ShADadFf")
    assert letters(resp_ip_bytes=18 * 40.0) == set("ShADaFf")
    assert letters(proto="udp", conn_state="SF") == set("Dd")
    assert letters(proto="udp", conn_state="S0", resp_pkts=0.0) == set("D")


def test_a_half_open_scan_acknowledges_nothing() -> None:
    scan = {"orig_pkts": 2.0, "orig_ip_bytes": 80.0, "resp_pkts": 1.0, "resp_ip_bytes": 44.0}
    assert letters(conn_state="RSTO", **scan) == set("ShR")


@pytest.mark.parametrize(
    "changes",
    [
        {"conn_state": "OTH"},
        {"conn_state": None},
        {"proto": "icmp"},
        {"proto": "udp", "conn_state": "OTH"},
        {"orig_pkts": None},
        {"resp_ip_bytes": None},
        {"duration": None},
        {"duration": 0.0},
    ],
    ids=str,
)
def test_what_nothing_tells_stays_missing(changes: dict[str, Any]) -> None:
    assert letters(**changes) == set()


def test_a_single_syn_is_one_whatever_else_is_unset() -> None:
    assert letters(conn_state="S0", duration=None, orig_pkts=1.0, resp_pkts=0.0) == {"S"}
    assert letters(conn_state="S0", **dict.fromkeys(("orig_pkts", "resp_pkts", "duration"))) == {"S"}


def test_a_log_without_these_columns_is_as_one_in_which_they_are_unset(tmp_path: Path) -> None:
    write_traffic(tmp_path / "conn.log", Scenario(connections=500, seed=1))
    held = arrow_of(without_payload(read(tmp_path / "conn.log")))
    fewer = Table.of_arrow(held.drop_columns(["history", *PAYLOAD]))
    with_them, without = (
        features(table, StreamState(StateLimits())) for table in (Table.of_arrow(held), fewer)
    )
    np.testing.assert_array_equal(with_them, without)
    part = features(fewer.part(slice(100, 200)), StreamState(StateLimits()))
    own = len(connection.FEATURES)
    np.testing.assert_array_equal(part[:, :own], without[100:200, :own])


@given(logs())
def test_a_log_of_zeeks_is_left_as_it_is(frame: pd.DataFrame) -> None:
    """Zeek gives payload bytes wherever it gives a duration, and a history wherever it gives a state but ``OTH``."""
    lasted = frame["duration"].notna()
    zeeks = frame.assign(
        orig_bytes=frame["orig_bytes"].fillna(0).where(lasted),
        resp_bytes=frame["resp_bytes"].fillna(0).where(lasted),
        history=pd.Series(["ShADad"] * len(frame), dtype="str")
        .where(frame["conn_state"] != "OTH")
        .astype("category"),
    )
    batch = Connections(Table.of(zeeks))
    np.testing.assert_array_equal(batch.orig_bytes, zeeks["orig_bytes"])
    np.testing.assert_array_equal(batch.resp_bytes, zeeks["resp_bytes"])
    codes, flags = batch.history_flags()
    np.testing.assert_array_equal(codes, np.where(frame["conn_state"] == "OTH", -1, 0))
    assert len(flags) == len(set(codes[codes == 0])) + 1


@given(logs())
def test_each_connection_is_worked_out_by_itself(frame: pd.DataFrame) -> None:
    bare = without_payload(frame)
    batch = Connections(Table.of(bare))
    codes, flags = batch.history_flags()
    for at in range(len(bare)):
        alone = Connections(Table.of(bare.iloc[at : at + 1].reset_index(drop=True)))
        np.testing.assert_array_equal(alone.orig_bytes, batch.orig_bytes[at : at + 1])
        np.testing.assert_array_equal(alone.resp_bytes, batch.resp_bytes[at : at + 1])
        own, of_code = alone.history_flags()
        np.testing.assert_array_equal(of_code[own[0]], flags[codes[at]])


@pytest.mark.parametrize("seed", range(3))
def test_made_traffic_has_the_same_features_in_both_formats_but_for_two_letters(
    seed: int, tmp_path: Path
) -> None:
    frames = {}
    for log_format in ("tsv", "eve"):
        write_traffic(tmp_path / log_format, Scenario(connections=3_000, seed=seed), format=log_format)
        frames[log_format] = read(tmp_path / log_format)
    zeek, suricata = (matrix_of(frame) for frame in frames.values())
    differ = ~np.isclose(zeek, suricata, rtol=1e-5, equal_nan=True)
    by_feature = {name: float(differ[:, at].mean()) for at, name in enumerate(LAYOUT.names)}
    # What no flow of Suricata tells: retransmissions, and a FIN before a reset.
    assert {name for name, share in by_feature.items() if share} <= {"orig_f", "resp_t"}
    assert max(by_feature.values()) < 0.01


def test_no_real_log_of_zeek_is_touched_and_what_it_would_come_to_is_near(shared_data: Path) -> None:
    signs: list[NDArray[np.bool_]] = []
    sizes: list[NDArray[np.bool_]] = []
    letters_alike: list[NDArray[np.bool_]] = []
    for path in sorted((shared_data / "zeek").rglob("*.gz")):
        frame = read(path)
        batch = Connections(Table.of(frame))
        for name, found in zip(PAYLOAD, (batch.orig_bytes, batch.resp_bytes), strict=True):
            np.testing.assert_array_equal(found, frame[name], err_msg=str(path))
        np.testing.assert_array_equal(batch.history_flags()[0], batch.history.codes, err_msg=str(path))

        bare = Connections(Table.of(without_payload(frame)))
        for truth, found in ((batch.orig_bytes, bare.orig_bytes), (batch.resp_bytes, bare.resp_bytes)):
            known = ~np.isnan(truth) & ~np.isnan(found)
            signs.append(((truth > 0) == (found > 0))[known])
            some = known & (truth > 0) & (found > 0)
            sizes.append(np.abs(np.log(found[some] / truth[some])) < np.log(2))
        (codes, flags), (said, of_said) = bare.history_flags(), batch.history_flags()
        known = (codes >= 0) & (said >= 0)
        letters_alike.append((flags[codes] == of_said[said])[known])
    assert np.concatenate(signs).mean() > 0.97
    assert np.concatenate(sizes).mean() > 0.93
    assert np.concatenate(letters_alike).mean(axis=0).min() > 0.95
