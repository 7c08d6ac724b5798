"""``zeekml labels audit``: where labels come from, what is printed and written, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from tests.training.data import write_captures, write_table
from zeekml.cli import main
from zeekml.training.corrections import COLUMNS, load_corrections


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["labels", "audit", *map(str, arguments)])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four infected captures, in one of which the scan is labelled Benign."""
    folder = write_captures(tmp_path_factory.mktemp("data"), groups=4, connections=700)
    wrong = folder / "logs" / "bot-0.conn.log.labeled"
    text = wrong.read_text(encoding="utf-8")
    assert "Malicious\tPortScan" in text
    wrong.write_text(text.replace("Malicious\tPortScan", "Benign\t-"), encoding="utf-8")
    recipe = {
        "name": "made",
        "classes": {"Benign/*": "Benign", "Malicious/PortScan": "PortScan", "Malicious/*": "C&C"},
        "data": {"groups": "logs/groups.csv", "hosts": "logs/hosts.csv"},
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    return folder


def test_the_mislabelled_scan_is_found_and_the_table_corrects_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--data", data, "--recipe", data / "recipe.yaml", "--out", tmp_path / "a") == 0
    found = json.loads((tmp_path / "a" / "label-suspects.json").read_text(encoding="utf-8"))
    scan = [one for one in found["suspects"] if one["file"] == "bot-0" and one["corrected"] == "PortScan"]
    assert scan
    assert {one["given"] for one in scan} == {"Benign"}
    shown = capsys.readouterr().out
    assert "bot-0 to" in shown
    assert f"{found['issues']:,} of {found['judged']:,} labels are likely wrong" in shown

    table = tmp_path / "a" / "label-suspects.csv"
    rules = load_corrections(table)
    assert len(rules) == len(found["suspects"])
    logs = sorted((data / "logs").glob("*.labeled"))
    assert run(*logs, "--recipe", data / "recipe.yaml", "--labels", table, "--out", tmp_path / "b") == 0
    again = json.loads((tmp_path / "b" / "label-suspects.json").read_text(encoding="utf-8"))
    assert not [one for one in again["suspects"] if one["file"] == "bot-0" and one["given"] == "Benign"]


def test_a_model_can_judge_instead_of_trees(data: Path, tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny")
    log = data / "logs" / "bot-1.conn.log.labeled"
    assert run(log, "--recipe", data / "recipe.yaml", "--model", bundle, "--out", tmp_path / "a") == 0
    found = json.loads((tmp_path / "a" / "label-suspects.json").read_text(encoding="utf-8"))
    assert found["asked"]["model"] == str(bundle)
    assert found["judged"] == 700
    table = (tmp_path / "a" / "label-suspects.csv").read_text(encoding="utf-8")
    assert table.splitlines()[0].split(",") == list(COLUMNS)


def test_corrections_of_the_recipe_are_left_out_on_request(data: Path, tmp_path: Path) -> None:
    recipe = json.loads((data / "recipe.yaml").read_text(encoding="utf-8"))
    recipe["data"]["corrections"] = ["wrong.csv"]
    (data / "other.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    write_table(data / "wrong.csv", COLUMNS, [("bot-1", *[""] * 6, "Unknown", 1, "meets more")])
    assert run("--data", data, "--recipe", data / "other.yaml") == 6
    assert run("--data", data, "--recipe", data / "other.yaml", "--as-published") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "give logs, or --data, and not both"),
        (["LOG", "--data", "x"], 2, "give logs, or --data, and not both"),
        (["LOG", "--as-published"], 2, "--as-published and --leave-out group go with --data"),
        (["LOG", "--leave-out", "group"], 2, "--as-published and --leave-out group go with --data"),
        (["--data", "x", "--labels", "y"], 2, "--labels goes with logs"),
        (["LOG"], 4, "name further labelled logs, or a model with --model"),
        (["LOG", "--model", "absent"], 5, "no such name"),
        (["--data", "absent"], 6, "cannot be read"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str], code: int, told: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(data / "logs" / "bot-1.conn.log.labeled")
    assert run(*(log if each == "LOG" else each for each in arguments)) == code
    told_words = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert told in told_words
