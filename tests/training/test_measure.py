"""Figures of detection, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.training.measure import (
    connection_figures,
    connection_threshold,
    counted,
    host_figures,
    host_peaks,
    host_threshold,
    host_threshold_to_ship,
    threshold_for,
    validation_figures,
)
from zeekml.training.recipe import VerdictPart

PART = VerdictPart(host_min_connections=2, half_life=3600)


def rows_of(*lines: tuple[str, str, int, bool]) -> pd.DataFrame:
    """Rows of kind, capture, label and of_bot; a host a capture, a second apart."""
    return pd.DataFrame(
        {
            "kind": [line[0] for line in lines],
            "capture": [line[1] for line in lines],
            "group": [line[1] for line in lines],
            "host": [f"host of {line[1]}" for line in lines],
            "label": [line[2] for line in lines],
            "of_bot": [line[3] for line in lines],
            "local": True,
            "event_time": np.arange(float(len(lines))),
        }
    )


BAD, OWN = ("bot", "b", 1, True), ("bot", "b", 0, True)
BENEATH, CLEAN, CONTEXT = ("bot", "b", 0, False), ("clean", "c", 0, False), ("bot", "b", -1, True)


def test_what_is_counted() -> None:
    rows = rows_of(BAD, OWN, BENEATH, CLEAN, CONTEXT, ("clean", "c", -1, False))
    assert counted(rows).tolist() == [True, True, False, True, False, False]


@settings(deadline=None, max_examples=100)
@given(
    scores=st.lists(st.floats(0, 1) | st.sampled_from((0.25, 0.5)), min_size=1, max_size=50),
    fpr=st.sampled_from((0.0, 0.001, 0.02, 0.1, 0.5, 1.0)),
)
def test_no_more_than_the_share_pass_a_threshold_and_a_lower_one_would_let_more(
    scores: list[float], fpr: float
) -> None:
    negatives = np.array(scores)
    threshold = threshold_for(negatives, fpr)
    allowed = int(len(negatives) * fpr)
    assert (negatives >= threshold).sum() <= allowed
    below = negatives[negatives < threshold]
    if len(below):
        assert (negatives >= below.max()).sum() > allowed


def test_connection_figures() -> None:
    rows = rows_of(BAD, BAD, BAD, BAD, OWN, CLEAN, CLEAN, CLEAN, CLEAN, BENEATH, CONTEXT)
    score = np.array([0.9, 0.8, 0.7, 0.1, 0.75, 0.6, 0.3, 0.2, 0.1, 0.99, 0.99])
    found = connection_figures(rows, score, 0.65)
    assert (found["connections"], found["malicious"]) == (9, 4)
    assert found["precision"] == 3 / 4
    assert found["recall"] == 3 / 4
    assert found["f1"] == 3 / 4
    assert found["fpr"] == 1 / 5
    # By rank: hits 1, 2, (one false), 3, and the last among the two at 0.1.
    assert found["average_precision"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 9) / 4)
    assert found["recall_at_fpr_0.01"] == 2 / 4
    of_bot, of_clean = found["captures"]["b"], found["captures"]["c"]
    assert (of_bot["connections"], of_bot["malicious"], of_bot["fpr"]) == (5, 4, 1.0)
    assert (of_clean["recall"], of_clean["precision"], of_clean["fpr"]) == (None, None, 0.0)


def test_a_mean_over_captures_leaves_out_those_with_few() -> None:
    many, few = [("bot", "many", 1, True)] * 20, [("bot", "few", 1, True)] * 19
    rows = rows_of(*many, *few, *[CLEAN] * 10)
    score = np.concatenate([np.repeat([0.9, 0.1], [15, 5]), np.repeat([0.9, 0.1], [1, 18]), np.full(10, 0.5)])
    found = connection_figures(rows, score, 0.6)
    assert found["recall_at_fpr_0.01"] == 16 / 39
    assert found["mean_recall_at_fpr_0.01"] == 15 / 20


def test_figures_that_cannot_be_worked_out_are_none_and_no_warning() -> None:
    rows = rows_of(BAD, BAD, CLEAN)
    found = connection_figures(rows, np.array([0.2, 0.3, 0.1]), 0.9)
    assert (found["precision"], found["recall"], found["fpr"]) == (None, 0.0, 0.0)
    assert found["mean_recall_at_fpr_0.01"] is None


def test_validation_is_not_decided_by_the_largest_capture() -> None:
    large, small = [("bot", "large", 1, True)] * 98, [("bot", "small", 1, True)] * 2
    rows = rows_of(*large, *small, CLEAN, CLEAN)
    score = np.concatenate([np.full(98, 0.9), np.full(2, 0.1), [0.5, 0.4]])
    said = (score > 0.45).astype(np.int64)
    found = validation_figures(rows, score, said)
    # The large one first of all: 1. The small one after both negatives: precision 2 of 4.
    assert found["average_precision"] == pytest.approx((1 + 2 / 4) / 2)
    assert found["f1"] == pytest.approx(2 * 98 / (99 + 100))


def peaks_of(rows: pd.DataFrame, score: list[float], floor: float = 0.5) -> pd.DataFrame:
    found = host_peaks(rows, np.array(score), np.ones(len(score), dtype=np.int64), floor, PART)
    return found.set_index(["kind", "capture"])


def test_a_hosts_peak_is_the_most_evidence_it_gathers() -> None:
    rows = rows_of(BAD, BAD, CLEAN, CLEAN, ("clean", "quiet", 0, False))
    found = peaks_of(rows, [0.9, 0.9, 0.9, 0.2, 0.1])
    one = np.log(9)  # log odds of 0.9 above those of the floor
    assert found.loc[("bot", "b"), "peak"] == pytest.approx(2 * one, rel=1e-3)
    assert found.loc[("clean", "c"), "peak"] == pytest.approx(one)
    assert found.loc[("clean", "quiet"), "peak"] == 0
    assert found.loc[("clean", "c"), "connections"] == 2


def test_evidence_halves_with_time() -> None:
    rows = rows_of(BAD, BAD, CLEAN)
    rows["event_time"] = [0.0, 7200.0, 0.0]
    assert peaks_of(rows, [0.9, 0.9, 0.1]).loc[("bot", "b"), "peak"] == pytest.approx(1.25 * np.log(9))


def test_of_clean_networks_context_is_not_taken() -> None:
    rows = rows_of(CLEAN, ("clean", "c", -1, False), BAD, CONTEXT)
    found = peaks_of(rows, [0.2, 0.99, 0.9, 0.9])
    assert found.loc[("clean", "c"), "peak"] == 0
    assert found.loc[("clean", "c"), "connections"] == 2
    assert found.loc[("bot", "b"), "peak"] == pytest.approx(2 * np.log(9), rel=1e-3)


def test_hosts_of_one_name_in_two_captures_are_two() -> None:
    rows = rows_of(BAD, ("bot", "other", 1, True), CLEAN)
    rows["host"] = "192.168.1.10"
    assert len(peaks_of(rows, [0.9, 0.9, 0.9])) == 3


def peaks(*lines: tuple[str, str, int, float]) -> pd.DataFrame:
    """Hosts of kind, name, connections and peak, all of them local."""
    found = pd.DataFrame(lines, columns=["kind", "host", "connections", "peak"])
    return found.assign(capture="x", local=True, labelled=True)


def test_infected_hosts_of_which_connections_are_labelled_are_counted_apart() -> None:
    hosts = peaks(("bot", "a", 1, 5.0), ("bot", "b", 1, 5.0), ("bot", "c", 1, 1.0), ("clean", "in", 50, 1.0))
    hosts["labelled"] = [True, False, True, False]
    found = host_figures(hosts, 4.0, PART)
    assert (found["infected"], found["infected_named"]) == (3, 2)
    assert (found["labelled"], found["labelled_named"]) == (2, 1)


def test_hosts_outside_are_no_rivals() -> None:
    hosts = peaks(("clean", "in", 50, 1.0), ("clean", "out", 50, 9.0), ("bot", "b", 1, 5.0))
    hosts["local"] = [True, False, True]
    found = host_figures(hosts, 4.0, PART)
    assert (found["clean"], found["clean_named"], found["infected_named"]) == (1, 0, 1)


def test_host_figures_leave_out_quiet_clean_hosts() -> None:
    hosts = peaks(
        ("bot", "b1", 1, 9.0), ("bot", "b2", 50, 1.0), ("clean", "c1", 50, 8.0), ("clean", "c2", 1, 9.0),
        ("clean", "c3", 50, 0.0),
    )  # fmt: skip
    found = host_figures(hosts, 5.0, PART)
    assert (found["infected"], found["infected_named"], found["infected_missed"]) == (2, 1, ["x b2"])
    assert (found["clean"], found["clean_named"], found["clean_named_hosts"]) == (2, 1, ["x c1"])


def test_the_host_threshold_lets_a_share_of_the_clean_hosts_pass() -> None:
    hosts = peaks(*[("clean", f"c{i}", 50, float(i)) for i in range(200)], ("clean", "quiet", 1, 1e6))
    threshold = host_threshold(hosts, PART)
    assert host_figures(hosts, threshold, PART)["clean_named"] == 2
    assert 197 < threshold <= 198


def test_the_shipped_host_threshold_lies_as_far_from_clean_hosts_on_either_side() -> None:
    few = [("clean", f"c{i}", 50, 1.0) for i in range(197)]
    hosts = peaks(
        *few, ("clean", "under", 50, 50.0), ("clean", "over", 50, 200.0), ("clean", "far", 50, 900.0)
    )
    threshold = host_threshold_to_ship(hosts, PART)
    assert threshold == pytest.approx(100.0)
    assert host_figures(hosts, threshold, PART)["clean_named"] == 2
    alone = peaks(("clean", "only", 50, 5.0))
    assert host_threshold_to_ship(alone, PART) == host_threshold(alone, PART)


def test_a_host_without_evidence_is_never_named() -> None:
    assert host_threshold(peaks(*[("clean", f"c{i}", 50, 0.0) for i in range(10)]), PART) > 0


def test_the_connection_threshold_spares_all_and_every_network() -> None:
    """Of 90 quiet and 10 noisy benign connections at most 5 of all may pass, and 20 % of each network's."""
    part = VerdictPart(connection_fpr=0.05, network_fpr=0.2)
    rows = rows_of(*[("clean", "quiet", 0, False)] * 90, *[("clean", "noisy", 0, False)] * 10)
    score = np.r_[np.linspace(0, 0.4, 90), np.linspace(0.5, 0.9, 10)]
    cut = connection_threshold(rows, score, part)
    assert cut == threshold_for(score[90:], 0.2) > threshold_for(score, 0.05)
    assert (score[90:] >= cut).sum() == 2
    lax = VerdictPart(connection_fpr=0.05, network_fpr=1.0)
    assert connection_threshold(rows, score, lax) == threshold_for(score, 0.05)
    # What is not known to be benign does not count, nor do an infected host's own connections in a network's share.
    more = rows_of(*[("clean", "noisy", -1, False)] * 5, *[("bot", "noisy", 1, True)] * 5)
    both = pd.concat([rows, more], ignore_index=True)
    assert connection_threshold(both, np.r_[score, np.ones(10)], part) == cut
