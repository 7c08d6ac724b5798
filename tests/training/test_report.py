"""The model card says what the figures say: what a model finds by class, what it misses, what it was trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zeekml.evaluation.truth import default_recipe
from zeekml.resources import DEFAULT_MODEL, data_folder
from zeekml.scoring import load_bundle
from zeekml.training import load_recipe
from zeekml.training.report import model_card, standing


def shipped() -> dict[str, Any]:
    folder: Path = data_folder("models") / DEFAULT_MODEL
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def test_the_shipped_card_is_the_one_that_its_figures_give() -> None:
    logs = [log.model_dump() for log in load_bundle(DEFAULT_MODEL).manifest.training.logs]
    card = (data_folder("models") / DEFAULT_MODEL / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert model_card(load_recipe(default_recipe()), shipped(), logs) == card


def test_the_card_of_the_shipped_figures_has_all_that_a_user_must_know() -> None:
    metrics = shipped()
    logs = [log.model_dump() for log in load_bundle(DEFAULT_MODEL).manifest.training.logs]
    card = model_card(load_recipe(default_recipe()), metrics, logs)
    parts = dict(part.split("\n", 1) for part in card.split("\n## ")[1:])

    for name, figures in metrics["model"]["classes"].items():
        assert f"| {name} | {figures['connections']} | " in parts["What it finds"]
    missed = parts["What it misses, and where it must not be used"]
    hosts = metrics["model"]["hosts"]
    for host in hosts["infected_missed"]:
        assert host in missed
    count = hosts["infected"] - hosts["infected_named"]
    assert f"{count} of {hosts['infected']} ({len(hosts['infected_missed'])} different ones): " in missed
    assert "must not be the only ground" in missed
    for log in logs:
        assert f"| {log['name']} | {log['group']} | {log['connections']} |" in parts["Training data"]


def test_hosts_that_one_seed_misses_are_not_counted_twice() -> None:
    metrics = shipped()
    hosts = {"infected": 3, "infected_named": 1, "infected_missed": ["x 10.0.0.1", "y 10.0.0.2"]}
    metrics["model"]["hosts"] |= hosts
    assert "threshold, 2 of 3: x 10.0.0.1, y 10.0.0.2.\n" in model_card(
        load_recipe(default_recipe()), metrics, []
    )


def test_what_the_model_was_held_to_is_told_with_every_false_alert() -> None:
    metrics = shipped()
    connections, hosts = metrics["model"]["connections"], metrics["model"]["hosts"]
    connections["most_alarms_in_a_clean_network"] = 0.00875
    connections["captures"]["ics-modbus"]["fpr"] = 0.00875
    connections["captures"]["spambot_alienvault"]["fpr"] = 0.00875  # not clean
    metrics["seeds"][1]["model"]["hosts"] |= {"clean_named": 2, "clean": 99}
    metrics |= {"calibration_error": 0.0123, "calibration_error_other_folds": 0.0456}
    told = dict(standing(metrics))
    assert told["calibration error, where it was fitted"] == "0.012"
    assert told["calibration error, each fold calibrated by the others"] == "0.046"
    assert told["most alarms in a clean network"] == "0.88% (ics-modbus)"
    assert told["clean hosts named at a host threshold of each seed's own"] == "2 at most of 99 to 102"
    for host in hosts["clean_named_hosts"]:
        assert host in told["clean hosts named at it"]
    assert float(told["false-positive rate at it"]) == pytest.approx(connections["fpr"], rel=0.05)
    connections["most_alarms_in_a_clean_network"] = None
    assert dict(standing(metrics))["most alarms in a clean network"] == "–"
