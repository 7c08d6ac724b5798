"""Made hosts: logs as a reader would give them, drawn anew for every seed, of the classes they say."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.data import capture, host_rows, recipe_file
from zeekml.errors import RecipeError
from zeekml.features import LAYOUT, StateLimits, StreamState, blocks
from zeekml.records.schema import COLUMNS
from zeekml.training import load_recipe
from zeekml.training.made import BEHAVIOURS, chosen, made_log
from zeekml.training.overlays import surroundings
from zeekml.training.samples import Material

CLASSES = {"Benign": 0, "PortScan": 1, "DDoS": 2, "C&C": 3, "Spam": 4, "Tunnel": 5}


@pytest.mark.parametrize("name", BEHAVIOURS)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_a_made_log_is_one_a_reader_could_give(name: str, seed: int) -> None:
    log = made_log(name, CLASSES, np.random.default_rng(seed))
    frame = log.frame
    assert frame.columns.tolist() == [column.name for column in COLUMNS]
    assert 20 <= len(frame) <= 2000
    ends = frame["ts"] + frame["duration"].fillna(0)
    assert ends.is_monotonic_increasing
    for number in ("duration", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "orig_ip_bytes"):
        assert (frame[number].dropna() >= 0).all()
    # What is in the packets cannot be more than the packets.
    assert (frame["orig_ip_bytes"] >= frame["orig_bytes"].fillna(0)).all()
    assert (frame["resp_ip_bytes"] >= frame["resp_bytes"].fillna(0)).all()
    assert ((frame["resp_pkts"] > 0) | frame["conn_state"].isin(["S0", "OTH"])).all()
    assert frame["id.resp_p"].between(0, 65535).all()
    assert all(ipaddress.IPv4Address(text) for text in frame["id.resp_h"].cat.categories)
    assert [str(log.host)] == frame["id.orig_h"].cat.categories.tolist()
    made = {index for index in log.labels.tolist() if index > 0}
    assert bool(made) == name.startswith("hostile/")
    matrix = blocks(frame, StreamState(StateLimits()))[0].matrix
    assert matrix.shape == (len(frame), len(LAYOUT.features))


def test_a_seed_gives_the_same_log_and_another_another_one() -> None:
    first, again, other = (
        made_log("hostile/beacon", CLASSES, np.random.default_rng(seed)).frame for seed in (1, 1, 2)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_patterns_choose_behaviours_in_the_order_of_the_registry() -> None:
    assert chosen(["*"], CLASSES) == list(BEHAVIOURS)
    assert chosen(["hostile/t*", "benign/poller"], CLASSES) == ["benign/poller", "hostile/tunnel"]
    assert chosen([], CLASSES) == []
    assert chosen(["benign/vpn"], CLASSES, ["benign/*"]) == ["benign/vpn"], "named in full"
    assert chosen(["benign/[st]*"], CLASSES, ["benign/sc*", "benign/telemetry"]) == [
        "benign/sharing",
        "benign/transfers",
    ]


def test_an_epoch_has_the_made_hosts_beside_the_captures(tmp_path: Path) -> None:
    recipe = load_recipe(
        recipe_file(tmp_path, lambda r: r.update(made={"behaviours": ["benign/poller"], "draws": 3}))
    )
    clean = host_rows("10.0.0.1", list(range(0, 300, 10)))
    bot = host_rows("192.168.1.66", list(range(0, 60, 2)))
    captures = [capture("bot", bot, [1] * 30, infected=("192.168.1.66",)), capture("net", clean, clean=True)]
    epoch = Material(captures, recipe).epoch(np.random.default_rng(0))
    mine = epoch.capture == len(captures)
    assert (epoch.labels[mine] == 0).all()
    assert mine.sum() >= 3 * 80


def test_a_stretch_of_an_overlay_holds_some_of_what_was_laid_in() -> None:
    log = made_log("benign/poller", CLASSES, np.random.default_rng(0))
    few = np.zeros(len(log.labels), dtype=bool)
    few[70] = True
    for seed in range(20):
        part = surroundings(replace(log, of_bot=few), 30, np.random.default_rng(seed))
        assert len(part.labels) == 30
        assert part.of_bot.sum() == 1


def test_a_behaviour_whose_class_the_recipe_lacks_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"hostile/spam.*Spam"):
        chosen(["hostile/*am"], {"Benign", "PortScan"})


def test_a_pattern_that_names_no_behaviour_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"benign/polar.*benign/poller"):
        chosen(["benign/polar"], CLASSES)
    with pytest.raises(RecipeError, match=r"made.without.*benign/polar"):
        chosen(["*"], CLASSES, ["benign/polar"])


def test_by_default_only_behaviours_that_paid_are_made(tmp_path: Path) -> None:
    made = load_recipe(recipe_file(tmp_path)).made
    assert set(BEHAVIOURS) - set(chosen(["*"], CLASSES, made.without)) == {"benign/scanner", "benign/vpn"}
