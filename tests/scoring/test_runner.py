"""The runner: the same scores for any cut into batches, whatever the hosts are like."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings

from tests.builders import (
    Floats,
    cut,
    cuts,
    frame_of,
    logs,
    matrix_of,
    random_log,
    row,
    small_encoding,
    small_network,
)
from zeekml.features import Encoding, StateLimits, StreamState, blocks
from zeekml.networks import NETWORKS, Network
from zeekml.scoring import runner
from zeekml.scoring.runner import Runner

TOLERANCE = 1e-4
SMALL = StateLimits(idle=100, max_pairs=9)
ENCODING = small_encoding()
NETWORK = small_network(ENCODING)


def logits_of(
    batches: list[pd.DataFrame],
    limits: StateLimits = SMALL,
    network: Network = NETWORK,
    encoding: Encoding = ENCODING,
) -> Floats:
    """Logits of a log given in batches."""
    state, mine = StreamState(limits), Runner(network, encoding)
    return np.concatenate([mine.logits(block) for batch in batches for block in blocks(batch, state)])


def plain(frame: pd.DataFrame, limits: StateLimits) -> Floats:
    """The network over each life of each host by itself, one after the other."""
    matrix = matrix_of(frame, limits)
    ends = frame["ts"] + frame["duration"].fillna(0)
    logits = np.empty((len(frame), NETWORK.config.classes), dtype=np.float32)
    for host in frame["id.orig_h"].unique():
        mine = np.flatnonzero(frame["id.orig_h"] == host)
        clock = np.maximum.accumulate(ends.to_numpy()[mine])
        lives = np.split(mine, np.flatnonzero(np.diff(clock) > limits.idle) + 1)
        for life in lives:
            with torch.no_grad():
                logits[life] = NETWORK(torch.from_numpy(ENCODING.encode(matrix[life]))[None])[0].numpy()
    return logits


@settings(deadline=None, max_examples=40)
@given(frame=logs(), places=cuts())
def test_any_cut_gives_the_scores_of_the_plain_network(frame: pd.DataFrame, places: list[int]) -> None:
    expected = plain(frame, SMALL)
    np.testing.assert_allclose(logits_of([frame]), expected, atol=TOLERANCE)
    np.testing.assert_allclose(logits_of(cut(frame, places)), expected, atol=TOLERANCE)


@pytest.mark.parametrize("hosts", [1, 3, 150], ids=["one host", "few hosts", "a host a connection"])
@pytest.mark.parametrize("size", [1, 7, 64, 149])
def test_hosts_with_many_and_with_few_connections(hosts: int, size: int) -> None:
    frame = random_log(1, 150, hosts=1)
    if hosts > 1:
        names = [f"10.0.{i % hosts // 250}.{i % hosts % 250}" for i in range(150)]
        frame["id.orig_h"] = pd.Series(names, dtype="str").astype("category")
    limits = StateLimits()
    np.testing.assert_allclose(
        logits_of(cut(frame, list(range(0, 150, size))), limits), logits_of([frame], limits), atol=TOLERANCE
    )


def test_lengths_of_every_size_together() -> None:
    """A host with 2**i connections for each i, in one batch: groups and padding."""
    names = [f"10.0.0.{i}" for i in range(9) for _ in range(2**i)]
    order = np.random.default_rng(0).permutation(len(names))
    frame = random_log(2, len(names), hosts=1)
    frame["id.orig_h"] = pd.Series(names, dtype="str").iloc[order].reset_index(drop=True).astype("category")
    np.testing.assert_allclose(logits_of([frame], StateLimits()), plain(frame, StateLimits()), atol=TOLERANCE)


@pytest.fixture
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few steps at once that sequences must be given in pieces."""
    monkeypatch.setattr(runner, "_MOST_STEPS", 8)
    monkeypatch.setattr(runner, "_CHUNK", 5)


@pytest.mark.usefixtures("_little_room")
def test_pieces_of_long_sequences() -> None:
    names = [f"10.0.0.{i}" for i in range(7) for _ in range(2**i)]
    frame = random_log(3, len(names), hosts=1)
    frame["id.orig_h"] = pd.Series(names, dtype="str").astype("category")
    np.testing.assert_allclose(logits_of([frame], StateLimits()), plain(frame, StateLimits()), atol=TOLERANCE)


def test_a_host_that_starts_anew_within_a_batch() -> None:
    times = [0, 10, 500, 505, 900, 1400, 1401]
    rows = [row(ts=1e9 + t, duration=None, id_orig_h=f"10.0.0.{host}") for t in times for host in range(3)]
    frame = frame_of(rows)
    found = logits_of([frame])
    np.testing.assert_allclose(found, plain(frame, SMALL), atol=TOLERANCE)
    # A first connection after an idle time is scored as the very first was.
    np.testing.assert_allclose(found[6], found[0], atol=TOLERANCE)
    np.testing.assert_allclose(logits_of(cut(frame, list(range(1, 21)))), found, atol=TOLERANCE)


def test_state_is_carried_at_all() -> None:
    frame = random_log(4, 60, hosts=1)
    parts = cut(frame, [30])
    alone = logits_of([parts[1]], StateLimits())
    assert not np.allclose(alone, logits_of([frame], StateLimits())[30:], atol=1e-3)


def test_a_slot_that_is_used_again_starts_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cap puts a host out; the next one that takes its place inherits nothing."""
    monkeypatch.setattr("zeekml.features.state.CAP_EVERY", 8)
    limits = StateLimits(max_hosts=1)
    rows = [row(ts=1e9 + i, duration=None, id_orig_h=f"10.0.0.{i // 8}") for i in range(32)]
    frame = frame_of(rows)
    expected = plain(frame, StateLimits())
    np.testing.assert_allclose(logits_of([frame], limits), expected, atol=TOLERANCE)
    np.testing.assert_allclose(logits_of(cut(frame, [3, 8, 20]), limits), expected, atol=TOLERANCE)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network(name: str) -> None:
    network, frame = small_network(ENCODING, name=name), random_log(6, 150)
    whole = logits_of([frame], network=network)
    np.testing.assert_allclose(logits_of(cut(frame, [1, 2, 50, 149]), network=network), whole, atol=TOLERANCE)


def test_flow_layout_looks_at_one_connection_at_a_time() -> None:
    network, frame = small_network(ENCODING, layout="flow"), random_log(7, 80)
    with torch.no_grad():
        encoded = torch.from_numpy(ENCODING.encode(matrix_of(frame, SMALL)))
        expected = np.concatenate([network(line[None, :, None]).numpy() for line in encoded])
    np.testing.assert_allclose(logits_of([frame], network=network), expected, atol=TOLERANCE)
    np.testing.assert_allclose(logits_of(cut(frame, [1, 40]), network=network), expected, atol=TOLERANCE)
