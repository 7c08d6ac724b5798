"""The model card says what the figures say: what a model finds by class, what it misses, what it was trained on."""

from __future__ import annotations

import json
from pathlib import Path

from zeekml.evaluation.truth import default_recipe
from zeekml.resources import DEFAULT_MODEL, data_folder
from zeekml.scoring import load_bundle
from zeekml.training import load_recipe
from zeekml.training.report import model_card


def test_the_card_of_the_shipped_figures_has_all_that_a_user_must_know() -> None:
    folder: Path = data_folder("models") / DEFAULT_MODEL
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    logs = [log.model_dump() for log in load_bundle(DEFAULT_MODEL).manifest.training.logs]
    card = model_card(load_recipe(default_recipe()), metrics, logs)
    parts = dict(part.split("\n", 1) for part in card.split("\n## ")[1:])

    for name, figures in metrics["model"]["classes"].items():
        assert f"| {name} | {figures['connections']} | " in parts["What it finds"]
    missed = parts["What it misses, and where it must not be used"]
    hosts = metrics["model"]["hosts"]
    for host in hosts["infected_missed"]:
        assert host in missed
    assert f"{len(hosts['infected_missed'])} of {hosts['infected']}" in missed
    assert "must not be the only ground" in missed
    for log in logs:
        assert f"| {log['name']} | {log['group']} | {log['connections']} |" in parts["Training data"]
