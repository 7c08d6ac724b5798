"""What an epoch consists of, what its rows weigh, and what is masked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import Ints, matrix_of, random_log, renumbered
from tests.training.data import capture, host_rows, recipe_file
from zeekml.features import LAYOUT
from zeekml.training import load_recipe
from zeekml.training.captures import IGNORED, Capture
from zeekml.training.recipe import FitPart, Recipe
from zeekml.training.samples import Material, Sequences, as_block, mask_columns, row_weights, sequences_of

BOT = "192.168.1.66"


def recipe(folder: Path, **overlays: Any) -> Recipe:
    return load_recipe(recipe_file(folder, lambda r: r["overlays"].update(overlays)))


def captures() -> list[Capture]:
    bot = host_rows(BOT, list(range(0, 60, 2)), id_resp_p=23) + host_rows("192.168.1.5", [1, 2, 3])
    clean = host_rows("10.0.0.1", list(range(0, 300, 10))) + host_rows("10.0.0.2", [5, 6])
    return [
        capture("bot", bot, [1] * 28 + [0, IGNORED] + [0] * 3, infected=(BOT,)),
        capture("net", clean, clean=True),
    ]


def sequences(labels: list[int], owners: list[int], starts: list[int]) -> Sequences:
    features = np.zeros((len(labels), len(LAYOUT.features)), dtype=np.float32)
    return Sequences(
        features, np.array(labels), np.array(owners), np.array(starts), np.zeros(len(labels), bool)
    )


def test_rows_are_sorted_into_one_sequence_a_host() -> None:
    frame = random_log(0, 100, hosts=3)
    rows: Ints = np.arange(100)
    found = sequences_of(frame, rows, rows * 2)
    assert len(found.starts) == 3
    np.testing.assert_array_equal(found.features, matrix_of(frame)[found.labels])
    np.testing.assert_array_equal(found.capture, found.labels * 2)
    for start, end in zip(found.starts, found.ends, strict=True):
        mine = found.labels[start:end]
        assert (np.diff(mine) > 0).all()
        assert frame["id.orig_h"].iloc[mine].nunique() == 1


def test_joined_sequences_stay_apart() -> None:
    parts = [sequences_of(renumbered(random_log(i, 30)), np.full(30, i), np.full(30, i)) for i in range(3)]
    whole = Sequences.joined(parts)
    assert len(whole.starts) == sum(len(part.starts) for part in parts)
    for start, end in zip(whole.starts, whole.ends, strict=True):
        assert len(set(whole.labels[start:end])) == 1


def test_as_a_block_every_sequence_is_a_fresh_run() -> None:
    given = sequences([0] * 6, [0] * 6, [0, 2, 5])
    block = as_block(given)
    assert block.fresh.all()
    assert block.runs.ends.tolist() == given.ends.tolist() == [2, 5, 6]
    assert len(set(block.slots)) == 3


def test_an_epoch_has_all_clean_hosts_and_the_bot_laid_over_one(tmp_path: Path) -> None:
    epoch = Material(captures(), recipe(tmp_path, alone=0.0, draws=3)).epoch(np.random.default_rng(0))
    # Plain: two clean hosts and the healthy neighbour of the bot; then three overlays of 30 + 30 connections.
    assert len(epoch.starts) == 3 + 3
    assert len(epoch.labels) == 32 + 3 + 3 * 60
    assert (epoch.labels == 1).sum() == 3 * 28
    assert (epoch.labels == IGNORED).sum() == 3
    assert set(epoch.capture[epoch.labels == 1]) == {0}


def test_a_bot_may_stay_alone(tmp_path: Path) -> None:
    epoch = Material(captures(), recipe(tmp_path, alone=1.0, draws=1)).epoch(np.random.default_rng(0))
    assert len(epoch.labels) == 32 + 3 + 30


def test_without_clean_networks_bots_stay_alone(tmp_path: Path) -> None:
    epoch = Material(captures()[:1], recipe(tmp_path, alone=0.0)).epoch(np.random.default_rng(0))
    assert len(epoch.labels) == 3 + 30


def test_epochs_are_fresh_and_seeded(tmp_path: Path) -> None:
    material = Material(captures(), recipe(tmp_path, alone=0.0))
    one, same, other = (material.epoch(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.features, same.features)
    assert not np.array_equal(one.features, other.features, equal_nan=True)


def test_long_bots_are_cut_to_an_excerpt(tmp_path: Path) -> None:
    long = capture("long", host_rows(BOT, list(range(200))), [1] * 200, infected=(BOT,))
    epoch = Material([long, captures()[1]], recipe(tmp_path, alone=1.0, longest=16)).epoch(
        np.random.default_rng(0)
    )
    assert (epoch.labels == 1).sum() == 16


def test_weights_are_1_in_the_mean_and_nothing_for_context() -> None:
    given = sequences([0, 0, 1, IGNORED, 2, 0, 0, 0], [0, 0, 0, 0, 1, 1, 2, 2], [0, 4])
    weight = row_weights(given, FitPart())
    assert weight[3] == 0
    assert (weight[given.labels >= 0] > 0).all()
    assert weight[given.labels >= 0].mean() == pytest.approx(1)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_malicious_rows_weigh_their_share(share: float) -> None:
    given = sequences([0] * 30 + [1] * 5 + [2] * 3, [0] * 20 + [1] * 18, [0])
    weight = row_weights(given, FitPart(malicious_share=share))
    assert weight[given.labels > 0].sum() / weight.sum() == pytest.approx(share)


def test_captures_and_classes_are_evened_out_by_their_powers() -> None:
    given = sequences([0] * 64 + [0] * 4 + [1] * 36 + [2] * 9, [0] * 64 + [1] * 4 + [2] * 45, [0])
    benign, malicious = slice(0, 68), given.labels > 0
    owners = given.capture[benign]

    def shares(capture_power: float, class_power: float) -> tuple[float, float]:
        weight = row_weights(given, FitPart(capture_power=capture_power, class_power=class_power))
        plain = weight[benign]
        first = weight[given.labels == 1].sum() / weight[malicious].sum()
        return float(plain[owners == 0].sum() / plain.sum()), float(first)

    assert shares(1.0, 1.0) == pytest.approx((64 / 68, 36 / 45))
    assert shares(0.5, 1.0) == pytest.approx((8 / 10, 6 / 9))
    assert shares(0.0, 1.0) == pytest.approx((1 / 2, 1 / 2))
    assert shares(1.0, 0.5) == pytest.approx((64 / 68, 6 / 9))


def test_only_benign_rows_weigh_as_many_as_they_are() -> None:
    given = sequences([0] * 10, [0] * 10, [0])
    np.testing.assert_allclose(row_weights(given, FitPart()), 1)


def test_context_does_not_count_towards_the_size_of_a_capture() -> None:
    """Two captures of ten benign rows weigh alike, however many rows of one nobody knows anything of."""
    given = sequences([0] * 20 + [IGNORED] * 1000, [0] * 10 + [1] * 10 + [0] * 1000, [0, 20])
    np.testing.assert_allclose(row_weights(given, FitPart())[:20], 1)


def test_masked_sequences_have_no_payload_and_no_history() -> None:
    frame = random_log(0, 120, hosts=4)
    given = sequences_of(frame, np.zeros(120, dtype=np.int64), np.zeros(120, dtype=np.int64))
    before = given.features.copy()
    masked = mask_columns(given, 0.5, 0, np.random.default_rng(1))
    np.testing.assert_array_equal(given.features, before)
    names = list(LAYOUT.names)
    kinds = []
    for start, end in zip(given.starts, given.ends, strict=True):
        rows = slice(start, end)
        if np.array_equal(masked[rows], before[rows], equal_nan=True):
            kinds.append("as it was")
            continue
        kinds.append("masked")
        for feature in LAYOUT.features:
            column = masked[rows, names.index(feature.name)]
            if feature.sources == ("history",):
                assert (column == (feature.name == "history_missing")).all(), feature.name
            elif feature.kind == "number" and {"orig_bytes", "resp_bytes"} & set(feature.sources):
                assert np.isnan(column).all(), feature.name
            else:
                np.testing.assert_array_equal(column, before[rows, names.index(feature.name)], feature.name)
    assert set(kinds) == {"as it was", "masked"}


def test_features_are_lost_by_whole_sequences() -> None:
    frame = random_log(0, 200, hosts=20)
    given = sequences_of(frame, np.zeros(200, dtype=np.int64), np.zeros(200, dtype=np.int64))
    masked = mask_columns(given, 0, 0.3, np.random.default_rng(1))
    kept = (masked == given.features) | (np.isnan(masked) & np.isnan(given.features))
    absent = np.isnan(masked) | ((masked == 0) & np.array([f.kind == "flag" for f in LAYOUT.features]))
    lost = []
    for start, end in zip(given.starts, given.ends, strict=True):
        whole = absent[start:end].all(axis=0)
        assert (kept[start:end].all(axis=0) | whole).all()
        lost.append((whole & ~kept[start:end].all(axis=0)).sum())
    assert len(set(lost)) > 1


def test_the_unlabelled_connections_of_infected_hosts_are_suspect(tmp_path: Path) -> None:
    given = load_recipe(recipe_file(tmp_path, lambda r: r["fit"].update(suspects=0.1)))
    unlabelled = capture("unlabelled", host_rows(BOT, list(range(12))), [IGNORED] * 12, infected=(BOT,))
    epoch = Material([*captures(), unlabelled], given).epoch(np.random.default_rng(0))
    per_capture = [int(epoch.suspect[epoch.capture == at].sum()) for at in range(3)]
    assert per_capture == [1, 0, 12]
    assert (epoch.labels[epoch.suspect] == IGNORED).all()


def test_a_host_without_labels_is_left_out_where_nothing_is_learned_from_it(tmp_path: Path) -> None:
    unlabelled = capture("unlabelled", host_rows(BOT, list(range(12))), [IGNORED] * 12, infected=(BOT,))
    epoch = Material([*captures(), unlabelled], recipe(tmp_path)).epoch(np.random.default_rng(0))
    assert not (epoch.capture == 2).any()


def test_a_host_by_itself_is_seen_whole_and_an_overlay_as_the_sensor_sees_it(tmp_path: Path) -> None:
    def changed(alone: float) -> Recipe:
        return load_recipe(
            recipe_file(
                tmp_path,
                lambda r: r.update(
                    overlays=r["overlays"] | {"alone": alone}, variation={"one_sided": 1.0, "pace": 0.0}
                ),
            )
        )

    by_itself, laid = (
        Material(captures(), changed(alone)).epoch(np.random.default_rng(0)) for alone in (1.0, 0.0)
    )
    packets = [LAYOUT.names.index(name) for name in ("orig_pkts", "resp_pkts")]
    assert (by_itself.features[by_itself.labels == 1][:, packets] > 0).all()
    mine = laid.features[laid.labels == 1][:, packets]
    assert len(mine)
    assert (np.nan_to_num(mine).min(axis=1) == 0).all()
