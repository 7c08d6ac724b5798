"""A whole training run on made logs: the bundle loads, scores and repeats, and errors say what is wrong."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.builders import random_log
from tests.training.data import recipe_file, write_captures, write_table
from zeekml import Detector
from zeekml.errors import OutputError, RecipeError, ZeekMLError
from zeekml.features import LAYOUT
from zeekml.scoring import Scorer, load_bundle, verify_bundle
from zeekml.scoring.bundle import CARD, METRICS, WEIGHTS
from zeekml.scoring.ensemble import Ensemble
from zeekml.training.fit import Epoch
from zeekml.training.job import train
from zeekml.training.judge import SAID
from zeekml.training.report import comparison


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.epochs: list[tuple[str, Epoch]] = []

    def begin(self, stage: str, epochs: int) -> None:
        self.stages.append((stage, epochs))

    def epoch(self, epoch: Epoch) -> None:
        self.epochs.append((self.stages[-1][0], epoch))


def learning(content: dict[str, Any]) -> None:
    """Enough to learn from so little."""
    content["fit"].update(epochs=6, patience=3, rate=0.01, ema=0.8)
    content["trees"] = {"share": 0.4, "count": 10, "leaves": 4}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captures(tmp_path_factory.mktemp("train"))


@pytest.fixture(scope="module")
def notes() -> Notes:
    return Notes()


@pytest.fixture(scope="module")
def folder(data: Path, notes: Notes) -> Path:
    """The bundle of one run."""
    return train(recipe_file(data, learning), data, data / "out", notes)


@pytest.fixture(scope="module")
def metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return found


def test_the_bundle_is_whole_and_loads(folder: Path) -> None:
    assert folder.name == "made"
    assert verify_bundle(folder).name == "made"
    assert load_bundle(folder).classes == ("Benign", "PortScan", "C&C")


def test_the_trees_are_in_the_bundle(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.manifest.trees is not None
    assert (bundle.manifest.trees.count, bundle.manifest.trees.share) == (10, 0.4)
    assert bundle.trees is not None
    assert np.abs(bundle.trees.leaves).max() > 0


def test_what_drift_is_told_by_is_in_the_bundle(folder: Path, metrics: dict[str, Any]) -> None:
    bundle = load_bundle(folder)
    assert bundle.drift is not None
    assert bundle.drift.shares.shape == (2, len(LAYOUT.features), 3 + 3)
    np.testing.assert_allclose(bundle.drift.shares.sum(axis=2), 1, rtol=1e-5)
    assert not np.allclose(*bundle.drift.shares)
    near = metrics["near_threshold"]
    np.testing.assert_allclose(bundle.drift.near, [near["benign"], near["malicious"]])


def test_the_bundle_scores(folder: Path) -> None:
    scores = Scorer(load_bundle(folder)).score(random_log(0, 50), "a")
    assert ((scores.score > 0) & (scores.score < 1)).all()
    assert len(Detector.load(folder).score(random_log(0, 50), reasons=True)) == 50


def test_it_has_learnt_on_captures_that_it_did_not_see(metrics: dict[str, Any]) -> None:
    """The made scans are easy; what this holds is that labels, rows and scores belong together."""
    assert metrics["model"]["connections"]["average_precision"] > 0.9
    assert metrics["network"]["connections"]["average_precision"] > 0.9
    assert metrics["trees"]["connections"]["average_precision"] > 0.9


def test_the_manifest_says_what_it_was_made_from(folder: Path, data: Path, metrics: dict[str, Any]) -> None:
    training = load_bundle(folder).manifest.training
    assert (training.seed, training.epochs) == (3, metrics["epochs"])
    assert training.recipe_sha256 == hashlib.sha256((data / "recipe.yaml").read_bytes()).hexdigest()
    logs = {log.name: log for log in training.logs}
    assert set(logs) == {f"{kind}-{number}" for kind in ("bot", "clean") for number in range(3)}
    for name, log in logs.items():
        content = (data / "logs" / f"{name}.conn.log.labeled").read_bytes()
        assert (log.group, log.connections) == (name, 700)
        assert log.sha256 == hashlib.sha256(content).hexdigest()


def test_thresholds_are_those_of_the_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    bundle = load_bundle(folder)
    chosen = metrics["thresholds"]
    assert bundle.thresholds.connection == chosen["connection"]
    assert bundle.thresholds.host == chosen["host"]
    assert bundle.evidence.floor == chosen["floor"]
    assert metrics["model"]["connections"]["fpr"] <= chosen["connection_fpr"] == 1e-3
    assert 0 <= metrics["threshold_fpr_other_folds"] < 1
    assert bundle.evidence.floor <= bundle.thresholds.connection


def test_metrics_count_every_capture_once(metrics: dict[str, Any], folder: Path) -> None:
    assert metrics["folds"] == 3
    for name in ("model", "network", "trees"):
        figures = metrics[name]["connections"]
        assert figures["connections"] == sum(c["connections"] for c in figures["captures"].values())
        assert figures["malicious"] == sum(c["malicious"] for c in figures["captures"].values())
        assert {c for c in figures["captures"] if c.startswith("clean")} == {"clean-0", "clean-1", "clean-2"}
        assert all(c["connections"] == 700 for n, c in figures["captures"].items() if n.startswith("clean"))
    classes = metrics["model"]["classes"]
    assert set(classes) == set(load_bundle(folder).classes)
    assert sum(c["connections"] for c in classes.values()) == metrics["model"]["connections"]["connections"]


def test_no_number_is_missing_or_endless(folder: Path) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    json.loads((folder / METRICS).read_text(encoding="utf-8"), parse_constant=refuse)


def test_the_card_names_captures_and_figures(folder: Path, metrics: dict[str, Any]) -> None:
    card = (folder / CARD).read_text(encoding="utf-8")
    assert card.startswith("# made\n")
    assert all(f"bot-{number}" in card for number in range(3))
    for row in comparison(metrics):
        assert f"| {' | '.join(row.texts())} |" in card


def test_the_comparison_says_which_is_best(metrics: dict[str, Any]) -> None:
    for row in comparison(metrics):
        means = {name: value.mean for name, value in zip(SAID, row.values, strict=True)}
        assert row.best == " and ".join(name for name in SAID if means[name] == max(means.values()))
        assert not math.isnan(max(means.values()))


def test_the_watcher_sees_every_stage_and_epoch(folder: Path, notes: Notes) -> None:
    names = [stage for stage, _ in notes.stages]
    assert names[0] == "reading the logs"
    assert names[-1].startswith("final network")
    assert sum("boosted trees" in name for name in names) == 3
    for stage, epochs in notes.stages:
        seen = [epoch for name, epoch in notes.epochs if name == stage]
        assert [epoch.number for epoch in seen] == list(range(1, len(seen) + 1))
        assert len(seen) <= epochs
        if "finding" in stage:
            assert all({"average_precision", "f1"} <= set(epoch.validation) for epoch in seen)


def test_the_same_recipe_gives_the_same_bytes(folder: Path, data: Path, tmp_path: Path) -> None:
    again = train(data / "recipe.yaml", data, tmp_path, Notes())
    for name in (WEIGHTS, METRICS, CARD, "bundle.yaml"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_training_again_replaces_the_bundle(folder: Path, data: Path, tmp_path: Path) -> None:
    first = train(recipe_file(tmp_path), data, tmp_path / "out", Notes())
    weights = (first / WEIGHTS).read_bytes()
    second = train(recipe_file(tmp_path, lambda r: r.update(seed=4)), data, tmp_path / "out", Notes())
    assert second == first
    assert (second / WEIGHTS).read_bytes() != weights
    verify_bundle(second)


def refused(data: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> str:
    with pytest.raises(RecipeError) as error:
        train(recipe_file(folder, change), data, folder / "out", Notes())
    assert not (folder / "out").exists()
    return str(error.value)


def test_more_folds_than_groups(data: Path, tmp_path: Path) -> None:
    message = refused(data, tmp_path, lambda r: r.update(folds=4))
    assert "4 folds need as many groups of infected captures, found 3" in message


def test_two_folds_are_too_few(data: Path, tmp_path: Path) -> None:
    """One is measured on, one says when to stop: nothing would be left to train on."""
    assert "folds" in refused(data, tmp_path, lambda r: r.update(folds=2))


def test_a_fold_without_anything_malicious(data: Path, tmp_path: Path) -> None:
    classes = {"Benign/*": "Benign", "Malicious/Spam": "Spam", "Malicious/*": "Unknown"}
    assert "no malicious connection" in refused(data, tmp_path, lambda r: r.update(classes=classes))


def test_a_label_that_no_pattern_fits(data: Path, tmp_path: Path) -> None:
    classes = {"Benign/*": "Benign", "Malicious/C&C": "C&C"}
    message = refused(data, tmp_path, lambda r: r.update(classes=classes))
    assert "bot-0.conn.log.labeled" in message
    assert "'Malicious/PortScan'" in message


def test_a_correction_that_meets_another_number(data: Path, tmp_path: Path) -> None:
    columns = ("file", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state", "given", "corrected",
               "connections", "reason")  # fmt: skip
    write_table(data / "wrong.csv", columns, [("bot-0", "", "", "", "", "", "C&C", "Unknown", 9999, "")])
    message = refused(data, tmp_path, lambda r: r["data"].update(corrections=["wrong.csv"]))
    assert "expected 9999" in message


def test_a_table_that_is_absent(data: Path, tmp_path: Path) -> None:
    assert "nope.csv" in refused(data, tmp_path, lambda r: r["data"].update(groups="nope.csv"))


def test_a_network_that_is_none(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeekMLError, match=r"data\.local_nets"):
        train(
            recipe_file(tmp_path, lambda r: r["data"].update(local_nets=["not a net"])),
            data,
            tmp_path,
            Notes(),
        )


def test_a_folder_that_holds_something_else_is_not_touched(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "made").mkdir(parents=True)
    (tmp_path / "out" / "made" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match="is no bundle"):
        train(recipe_file(tmp_path), data, tmp_path / "out", Notes())
    assert [path.name for path in (tmp_path / "out" / "made").iterdir()] == ["thesis.txt"]


def test_other_logs_may_be_trained_on_and_are_not_measured(data: Path, tmp_path: Path) -> None:
    groups = [(f"{kind}-{n}.conn.log.labeled", f"{kind}-{n}") for n in range(3) for kind in ("bot", "clean")]
    more = tmp_path / "more"
    write_captures(more, groups=1, connections=200)
    (more / "logs" / "bot-0.conn.log.labeled").rename(data / "extra.conn.log.labeled")
    write_table(data / "logs" / "again.csv", ("file", "group"), groups)
    folder = train(
        recipe_file(tmp_path, lambda r: r["data"].update(training_only=["extra*"])), data, tmp_path, Notes()
    )
    found = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    assert "extra" not in found["model"]["connections"]["captures"]
    assert "extra" in {log.name for log in load_bundle(folder).manifest.training.logs}
    assert np.isfinite(found["model"]["connections"]["average_precision"])


def test_several_seeds_and_processes(data: Path, tmp_path: Path) -> None:
    """The folds of two seeds, worked out one after the other and two at a time, give the same bytes."""

    def change(content: dict[str, Any]) -> None:
        learning(content)
        content["seeds"] = 2
        content["network"]["members"] = 2
        content["fit"]["patience"] = 0

    recipe = recipe_file(tmp_path, change)
    one = train(recipe, data, tmp_path / "one", Notes())
    notes = Notes()
    two = train(recipe, data, tmp_path / "two", notes, processes=2)
    for name in (WEIGHTS, METRICS, CARD, "bundle.yaml"):
        assert (two / name).read_bytes() == (one / name).read_bytes(), name
    told = {stage for stage, _ in notes.stages}
    assert {f"12 of 12: seed {seed}, fold {fold} of 3" for seed in (3, 4) for fold in (1, 2, 3)} & told
    metrics = json.loads((one / METRICS).read_text(encoding="utf-8"))
    assert [found["seed"] for found in metrics["seeds"]] == [3, 4]
    for name in SAID:
        counts = [found[name]["connections"]["connections"] for found in metrics["seeds"]]
        assert metrics[name]["connections"]["connections"] == sum(counts)
        assert metrics[name]["hosts"]["infected"] == sum(
            f[name]["hosts"]["infected"] for f in metrics["seeds"]
        )
    for row in comparison(metrics):
        assert all(value.deviation is not None for value in row.values)
        assert " ± " in row.texts()[1]
    card = (one / CARD).read_text(encoding="utf-8")
    assert "This was done 2 times" in card
    assert "Network: 2 that speak as one" in card
    assert "final network, all captures, network 2 of 2" in told


def test_the_networks_of_a_model_differ_and_see_through_one_encoding(data: Path, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        learning(content)
        content["network"]["members"] = 2

    bundle = load_bundle(train(recipe_file(tmp_path, change), data, tmp_path, Notes()))
    assert bundle.manifest.network.members == 2
    assert isinstance(bundle.network, Ensemble)
    first, second = (member.state_dict() for member in bundle.network.members)
    assert not torch.equal(first["stem.0.weight"], second["stem.0.weight"])
