"""``zeekml evaluate``: arguments, outputs, warnings, and that its verdicts are those of ``zeekml score``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import tiny_bundle
from tests.training.data import malicious_hosts, write_captures, write_table
from zeekml.cli import main
from zeekml.evaluation.logs import sha256
from zeekml.training.corrections import COLUMNS


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captures(tmp_path_factory.mktemp("data"), groups=2, connections=900) / "logs"


def evaluated(out: Path, *arguments: str | Path) -> Any:
    assert run("evaluate", *arguments, "--out", out, "--quiet") == 0
    return json.loads((out / "evaluation.json").read_text(encoding="utf-8"))


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]


def test_verdicts_are_those_of_a_run(data: Path, tmp_path: Path) -> None:
    found = evaluated(tmp_path / "e", data / "bot-0.conn.log.labeled")
    assert run("score", data / "bot-0.conn.log.labeled", "--out", tmp_path / "s", "--log-threshold", "0") == 0
    (model,) = found["models"]
    threshold = model["thresholds"]["connection"]
    scored = rows(tmp_path / "s" / "zeekml.log")
    alerts = sum(float(row[8]) >= threshold for row in scored)
    counts = model["connections"]["confusion"]
    benign = counts["classes"].index("Benign")
    called = sum(sum(row) - row[benign] for row in counts["counts"])
    assert (
        model["connections"]["connections"] == 900
    )  # nothing is context, so that all alerts are in the matrix
    assert called == alerts
    notices = rows(tmp_path / "s" / "notice.log")
    for note, kind in (
        ("ZeekML::Botnet_Host", "host_notice"),
        ("ZeekML::Botnet_Connection", "connection_notice"),
    ):
        named = {row[2] for row in notices if row[10] == note}
        assert {host["host"] for host in model["hosts"] if host[kind] is not None} == named & {
            host["host"] for host in model["hosts"]
        }
    infected = {host["host"] for host in model["hosts"] if host["infected"]}
    assert infected == set(malicious_hosts(data / "bot-0.conn.log.labeled"))


def test_thresholds_follow_the_settings(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "zeekml.yaml"
    config.write_text("alerts: {connection_threshold: 0.001, host_threshold: 1}\n", encoding="utf-8")
    (model,) = evaluated(tmp_path / "e", data / "bot-0.conn.log.labeled", "--config", config)["models"]
    assert model["thresholds"] == {"connection": 0.001, "host": 1}
    assert model["connections"]["recall"] == 1


def test_a_log_that_was_trained_on_is_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = [data / f"{name}.conn.log.labeled" for name in ("bot-0", "clean-0", "clean-1")]

    def trained(manifest: dict[str, Any]) -> None:
        same = {"group": "g", "connections": 1}
        manifest["training"]["logs"] = [
            {"name": "another", "sha256": sha256(logs[0]), **same},
            {"name": "clean-1", "sha256": "0" * 64, **same},
        ]

    bundle = tiny_bundle(tmp_path / "tiny", change=trained)
    (model,) = evaluated(tmp_path / "e", bundle, *logs)["models"]
    assert model["trained_on"] == [{"log": "bot-0", "by": "content"}, {"log": "clean-1", "by": "name"}]
    assert "tiny was trained on 2 of these logs (bot-0, clean-1)" in capsys.readouterr().err
    assert "Not held out." in (tmp_path / "e" / "evaluation.html").read_text(encoding="utf-8")
    (model,) = evaluated(tmp_path / "e", bundle, logs[1])["models"]
    assert model["trained_on"] == []


def test_two_models_are_compared(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tiny_bundle(tmp_path / "tiny")
    logs = sorted(data.glob("*.labeled"))
    found = evaluated(tmp_path / "e", "conn-1-res", bundle, *logs, "--draws", "100", "--resample", "captures")
    assert [model["name"] for model in found["models"]] == ["conn-1-res", "tiny"]
    boot = found["comparison"]["bootstrap"]
    assert (boot["resampled"], boot["units"], boot["draws"]) == ("captures", 4, 100)
    for name, figure in boot["figures"].items():
        for letter, model in zip("ab", found["models"], strict=True):
            assert figure[letter]["value"] == pytest.approx(model["connections"][name], rel=1e-5)
    assert capsys.readouterr().out == ""


def test_overlays_are_measured_as_training_measures(data: Path, tmp_path: Path) -> None:
    logs = sorted(data.glob("*.labeled"))
    found = evaluated(tmp_path / "e", *logs, "--overlay", "--hosts", data / "hosts.csv", "--seed", "3")
    (model,) = found["models"]
    assert found["layout"] == "overlay"
    bots = [host for host in model["hosts"] if host["infected"]]
    assert sorted(host["host"] for host in bots) == sorted(
        host for name in ("bot-0", "bot-1") for host in malicious_hosts(data / f"{name}.conn.log.labeled")
    )
    assert {host["capture"] for host in bots} == {"bot-0", "bot-1"}
    assert {network["capture"] for network in model["networks"]} == {"clean-0", "clean-1"}
    ranking = model["host_ranking"]["at_host_fpr"]
    assert ranking["infected"] == len(bots)
    again = evaluated(tmp_path / "e", *logs, "--overlay", "--hosts", data / "hosts.csv", "--seed", "3")
    assert again == found


def test_rules_and_hosts_are_read(data: Path, tmp_path: Path) -> None:
    rules = write_table(
        tmp_path / "r.csv", COLUMNS, [("clean-0", *[""] * 5, "Benign", "Unknown", 900, "test")]
    )
    hosts = write_table(tmp_path / "h.csv", ("file", "host", "infected"), [("clean-0", "10.99.0.1", 1)])
    found = evaluated(tmp_path / "e", data / "clean-0.conn.log.labeled", "--labels", rules, "--hosts", hosts)
    (model,) = found["models"]
    assert (model["connections"]["connections"], model["connections"]["context"]) == (0, 900)
    assert model["hosts"] == []


def test_suricata_logs_have_host_figures_alone(tmp_path: Path) -> None:
    assert run("simulate", "--format", "eve", "--connections", "300", "--out", tmp_path / "x.eve.json") == 0
    hosts = write_table(tmp_path / "h.csv", ("file", "host", "infected"), [("x", "*", 0)])
    (model,) = evaluated(tmp_path / "e", tmp_path / "x.eve.json", "--hosts", hosts)["models"]
    assert model["connections"]["average_precision"] is None
    assert model["host_summary"]["clean"] > 0


def test_the_tables_are_printed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", data / "bot-0.conn.log.labeled", "--fpr", "0.05") == 0
    shown = capsys.readouterr().out
    for text in (
        "average precision",
        "recall at a false-positive rate of 0.05, pooled",
        "PortScan",
        "infected hosts:",
    ):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["conn-1-res"], 2, "name labelled logs after the models"),
        (["absent.log"], 4, "absent.log: no such file"),
        (["LOG", "--overlay"], 4, "overlays need logs with clean hosts only, found none"),
        (["LOG", "--recipe", "absent.yaml"], 6, "absent.yaml"),
        (["LOG", "--labels", "absent.csv"], 6, "absent.csv"),
        (["LOG", "--hosts", "absent.csv"], 6, "absent.csv"),
        (["LOG", "--out", "LOG"], 7, "is a file"),
        (["LOG", "--draws", "3"], 2, "--draws"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str], code: int, told: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(data / "bot-0.conn.log.labeled")
    assert run("evaluate", *(log if each == "LOG" else each for each in arguments)) == code
    assert told in capsys.readouterr().err.replace("\n", " ")


def test_outputs_are_whole_files_for_the_owner_and_the_group(data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept", encoding="utf-8")
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "evaluation.json").symlink_to(outside)
    evaluated(tmp_path / "e", data / "bot-0.conn.log.labeled")
    assert outside.read_text(encoding="utf-8") == "kept"
    for path in (tmp_path / "e").iterdir():
        assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == ["evaluation.html", "evaluation.json"]


def test_public_captures_are_judged_with_their_tables_and_told_as_trained_on(
    shared_data: Path, tmp_path: Path
) -> None:
    logs = [shared_data / "zeek" / f"{name}.conn.log.labeled.gz" for name in ("zeroaccess", "ics-modbus")]
    tables = (
        "--labels",
        shared_data / "label-corrections.csv",
        "--hosts",
        shared_data / "zeek" / "hosts.csv",
    )
    found = evaluated(tmp_path / "e", *logs, *tables)
    (model,) = found["models"]
    assert [entry["by"] for entry in model["trained_on"]] == ["content", "content"]
    assert [host["host"] for host in model["hosts"] if host["infected"]] == ["192.168.106.131"]
    assert model["host_summary"]["clean"] > 0
    assert model["connections"]["malicious"] == 338
