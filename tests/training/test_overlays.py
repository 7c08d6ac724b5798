"""Overlays: a bot's connections under another address, at another time, in the order in which they end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.builders import matrix_of, row
from tests.training.data import capture, host_rows, log_of
from zeekml.addresses import Networks
from zeekml.features import LAYOUT
from zeekml.records.schema import NAMES
from zeekml.training.captures import IGNORED
from zeekml.training.overlays import HostLog, Network, excerpt, host_log, overlay, stacked
from zeekml.training.recipe import OverlayPart

NOWHERE = Networks.parse([], "nets")
PART = OverlayPart(min_connections=5)
HOST = "10.0.0.1"


def clean_rows() -> list[dict[str, object]]:
    rows = host_rows(HOST, list(range(0, 1000, 50)), duration=2.0, local_orig=None)
    return (
        rows
        + host_rows("10.0.0.2", [100, 200, 300])
        + host_rows("8.8.8.8", list(range(20)), local_orig=False)
    )


def network() -> Network:
    return Network.of(capture("net", clean_rows(), clean=True), NOWHERE, PART.min_connections)


def bot() -> HostLog:
    rows = host_rows("192.168.1.66", [5000, 5010, 5020, 5100], id_resp_p=23, duration=None, local_orig=False)
    return log_of(rows, [1, 1, 0, IGNORED])


def laid(seed: int = 0) -> HostLog:
    return overlay(bot(), network(), HOST, PART, np.random.default_rng(seed))


def ends(frame: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return (frame["ts"] + frame["duration"].fillna(0)).to_numpy(dtype=np.float64)


def test_a_network_lends_the_addresses_of_its_busy_local_hosts() -> None:
    found = network()
    assert found.hosts == (HOST,)
    assert found.start == 1.7e9 + 1.5
    assert found.span == pytest.approx(950 + 2.0 - 1.5)


def test_the_log_of_a_host_is_all_it_originates() -> None:
    log = host_log(capture("net", clean_rows(), list(range(43))), "10.0.0.2", bot=True)
    assert log.labels.tolist() == [20, 21, 22]
    assert log.of_bot.all()
    assert log.frame.index.tolist() == [0, 1, 2]
    assert set(log.frame["id.orig_h"]) == {"10.0.0.2"}


def test_an_overlay_holds_both_and_only_their_connections() -> None:
    log = laid()
    assert len(log.frame) == len(log.labels) == len(log.of_bot) == 24
    assert tuple(log.frame.columns) == NAMES
    assert log.of_bot.sum() == 4
    assert set(log.frame["id.orig_h"]) == {HOST}
    assert (log.labels[~log.of_bot] == 0).all()
    assert (log.capture, log.host) == ("made", "192.168.1.66")


def test_rows_are_in_the_order_in_which_connections_end() -> None:
    assert (np.diff(ends(laid().frame)) >= 0).all()


def test_the_bot_keeps_its_labels_and_its_pace() -> None:
    log = laid()
    mine = log.frame[log.of_bot]
    assert log.labels[log.of_bot].tolist() == [1, 1, 0, IGNORED]
    np.testing.assert_allclose(np.diff(mine["ts"]), [10, 10, 80], atol=1e-6)
    assert mine["duration"].isna().all()
    assert (mine["id.resp_p"] == 23).all()


def test_it_starts_between_the_earliest_and_the_latest_share_of_the_span() -> None:
    under = network()
    starts = [
        (laid(seed).frame["ts"][laid(seed).of_bot].min() - under.start) / under.span for seed in range(20)
    ]
    assert min(starts) >= PART.earliest
    assert max(starts) <= PART.latest
    assert np.std(starts) > 0.05


@pytest.mark.parametrize("said", [True, False, None])
def test_the_bot_is_as_local_as_the_host_beneath(said: bool | None) -> None:
    beneath = capture("net", host_rows(HOST, list(range(10)), local_orig=said), clean=True)
    log = overlay(bot(), Network.of(beneath, NOWHERE, 5), HOST, PART, np.random.default_rng(0))
    assert log.frame["local_orig"].isna().all() if said is None else (log.frame["local_orig"] == said).all()
    expected = 1.0 if said is None else float(said)
    assert set(matrix_of(log.frame)[:, LAYOUT.names.index("orig_local")]) == {expected}


def test_the_originals_are_not_changed() -> None:
    one, under = bot(), network()
    before, beneath = one.frame.copy(deep=True), under.capture.frame.copy(deep=True)
    overlay(one, under, HOST, PART, np.random.default_rng(0))
    pd.testing.assert_frame_equal(one.frame, before)
    pd.testing.assert_frame_equal(under.capture.frame, beneath)


def test_the_same_draw_gives_the_same_overlay() -> None:
    pd.testing.assert_frame_equal(laid(3).frame, laid(3).frame)
    assert not laid(3).frame.equals(laid(4).frame)


@pytest.mark.parametrize("bad", [[0], [499], [250, 251]])
def test_an_excerpt_holds_something_malicious(bad: list[int]) -> None:
    labels = np.zeros(500, dtype=np.int64)
    labels[bad] = 1
    log = log_of(host_rows("10.0.0.9", list(range(500))), labels.tolist())
    for seed in range(20):
        part = excerpt(log, 50, np.random.default_rng(seed))
        assert len(part.labels) == len(part.frame) == len(part.of_bot) == 50
        assert part.labels.max() == 1
        assert (np.diff(part.frame["ts"]) == 1).all()
        assert part.frame.index.tolist() == list(range(50))


def test_a_short_log_is_taken_whole() -> None:
    log = bot()
    assert excerpt(log, 4, np.random.default_rng(0)) is log


def test_a_log_without_anything_malicious_still_has_excerpts() -> None:
    log = log_of(host_rows("10.0.0.9", list(range(100))), [0] * 100)
    assert len(excerpt(log, 20, np.random.default_rng(0)).labels) == 20


def test_stacked_logs_do_not_know_each_other() -> None:
    """Two logs of the same address side by side: each has the features it has alone."""
    logs = [laid(1), laid(2), bot()]
    frame, of_row = stacked(logs)
    assert np.bincount(of_row).tolist() == [24, 24, 4]
    assert frame["id.orig_h"].nunique() == 3
    together = matrix_of(frame)
    local = LAYOUT.names.index("orig_local")
    for i, log in enumerate(logs):
        alone = matrix_of(log.frame)
        np.testing.assert_array_equal(together[of_row == i], alone)
        assert set(alone[:, local]) == {1.0 if i < 2 else 0.0}


def test_stacking_fills_in_what_the_name_no_longer_tells() -> None:
    logs = [log_of([row(id_orig_h=host, local_orig=None)]) for host in ("10.0.0.1", "8.8.8.8")]
    assert stacked(logs)[0]["local_orig"].tolist() == [True, False]
