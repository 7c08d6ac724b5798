"""``zeekml baseline``, and what ``score``, ``watch``, ``explain`` and ``doctor`` make of its file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.builders import tiny_bundle
from zeekml.baseline import Baseline, load_baseline, save_baseline
from zeekml.baseline.file import sealed
from zeekml.cli import main
from zeekml.feedback import COLUMNS


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that calls a connection suspicious from a low score on."""

    def low(manifest: dict[str, Any]) -> None:
        manifest["thresholds"] |= {"connection": 0.3, "host": 1.0}
        manifest["evidence"]["floor"] = 0.2

    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny", change=low)


@pytest.fixture(scope="module")
def log(made_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 2,000 connections of the made log."""
    path = tmp_path_factory.mktemp("log") / "conn.log"
    path.write_bytes(b"".join(made_log.read_bytes().splitlines(keepends=True)[:2008]))
    return path


@pytest.fixture(scope="module")
def learned(log: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("learned") / "site.json"
    assert run("baseline", log, "--model", bundle, "--out", path, "--quiet") == 0
    return path


@pytest.fixture(scope="module")
def everything(learned: Path) -> Path:
    """The same, with every host's every connection ordinary."""
    content = load_baseline(learned).model_dump(mode="json")
    for host in content["hosts"]:
        host["usual_evidence"] = 1e6
        for peer in host["peers"]:
            peer["usual_score"] = 1.0
    content["thresholds"]["connection"]["value"] = 0.999999
    path = learned.with_name("everything.json")
    save_baseline(path, sealed(content))
    return path


def notices(out: Path) -> list[Any]:
    return [json.loads(line) for line in (out / "notice.log").read_text().splitlines()]


def test_the_file_says_what_was_read(learned: Path) -> None:
    found = load_baseline(learned)
    assert (found.about.logs, found.about.connections) == (1, 2000)
    assert found.model.name == "tiny"
    assert found.about.first < found.about.last
    assert [path.name for path in learned.parent.iterdir() if path.name.startswith(".")] == []


def test_the_summary_is_printed(
    log: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b.json"
    assert run("baseline", log, "--model", bundle, "--out", out) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2,000 connections of ")
    assert f"SHA-256 of its content {load_baseline(out).sha256}" in shown


def test_score_takes_it(log: Path, bundle: Path, everything: Path, tmp_path: Path) -> None:
    options = ("--model", bundle, "--format", "json", "--quiet")
    assert run("score", log, "--out", tmp_path / "without", *options) == 0
    assert run("score", log, "--out", tmp_path / "with", "--baseline", everything, *options) == 0
    assert len(notices(tmp_path / "with")) < len(notices(tmp_path / "without"))
    settings = tmp_path / "zeekml.yaml"
    settings.write_text(f"alerts: {{baseline: {everything}}}")
    assert run("score", log, "--out", tmp_path / "set", "--config", settings, *options) == 0
    assert notices(tmp_path / "set") == notices(tmp_path / "with")


def test_watch_gives_the_same(log: Path, bundle: Path, learned: Path, tmp_path: Path) -> None:
    def excuse(content: Any) -> None:
        for host in content["hosts"]:
            for peer in host["peers"]:
                peer["usual_score"] = 0.35

    site = changed(learned, tmp_path / "site.json", excuse)
    options = ("--model", bundle, "--format", "json", "--baseline", site)
    assert run("score", log, "--out", tmp_path / "score", *options, "--quiet") == 0
    settings = tmp_path / "zeekml.yaml"
    settings.write_text("metrics: {listen: ''}")
    watch = ("watch", log, "--out", tmp_path / "watch", "--state", tmp_path / "state", "--config", settings)
    assert run(*watch, "--from-start", "--once", *options) == 0
    facts = [[(n["uid"], n["note"], n["n"]) for n in notices(tmp_path / name)] for name in ("score", "watch")]
    assert facts[0] == facts[1] != []
    (copy,) = (tmp_path / "state").glob("baseline.*.json")
    assert load_baseline(copy).sha256 == load_baseline(site).sha256


def test_explain_says_what_is_usual(
    log: Path, bundle: Path, everything: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--model", bundle, "--format", "json", "--quiet")
    assert run("score", log, "--out", tmp_path, *options) == 0
    known = {
        (host.host, peer.peer, int(peer.port.split("/")[0]))
        for host in load_baseline(everything).hosts
        for peer in host.peers
    }
    one = next(n for n in notices(tmp_path) if (n["id.orig_h"], n["id.resp_h"], n["id.resp_p"]) in known)
    capsys.readouterr()
    assert run("explain", one["uid"], log, "--model", bundle, "--baseline", everything, "--quiet") == 0
    shown = capsys.readouterr().out
    assert "usual here are scores up to 1.0000" in shown
    assert "of that is ordinary here, says the baseline; the rest has to reach" in shown


def test_the_doctor_looks_at_it(
    log: Path, bundle: Path, learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "zeekml.yaml"
    settings.write_text(f"score: {{model: {bundle}}}\nmetrics: {{listen: ''}}")
    run("doctor", log, "--config", settings, "--baseline", learned)
    assert re.search(r"^warning +baseline: .* days ago$", capsys.readouterr().out, re.MULTILINE)
    run("doctor", log, "--config", settings, "--baseline", tmp_path / "absent.json")
    assert re.search(r"^wrong +baseline: .*absent\.json", capsys.readouterr().out, re.MULTILINE)


def changed(path: Path, target: Path, change: Any) -> Path:
    content = load_baseline(path).model_dump(mode="json")
    change(content)
    save_baseline(target, sealed(content))
    return target


def test_a_baseline_of_another_model_is_refused(
    log: Path, bundle: Path, learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = changed(
        learned, tmp_path / "b.json", lambda content: content["model"].update(weights_sha256="0" * 64)
    )
    assert run("score", log, "--out", tmp_path / "out", "--model", bundle, "--baseline", other) == 6
    assert "was learned with model tiny 1 (weights 000000000000)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_feedback_is_taken(log: Path, bundle: Path, tmp_path: Path) -> None:
    table = tmp_path / "feedback.csv"
    row = dict.fromkeys(COLUMNS, "") | {
        "uid": "C1", "id.orig_h": "10.0.0.1", "id.resp_h": "203.0.113.9", "id.resp_p": "22", "proto": "tcp",
        "corrected": "Benign", "score": "0.9",
    }  # fmt: skip
    table.write_text(",".join(COLUMNS) + "\n" + ",".join(row.values()) + "\n")
    out = tmp_path / "b.json"
    assert run("baseline", log, "--model", bundle, "--feedback", table, "--out", out, "--quiet") == 0
    found: Baseline = load_baseline(out)
    assert found.ordinary().peers["10.0.0.1", "203.0.113.9", 22, "tcp"] == 0.9
    assert run("baseline", log, "--model", bundle, "--feedback", log, "--out", out, "--quiet") == 4


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--false-alerts", "0"], 2),
        (["--false-alerts", "nan"], 2),
        (["--sure", "0"], 2),
        (["--sure", "1.5"], 2),
        (["--lowest", "-1"], 2),
        (["--exclude", "10.0.0.0/99"], 6),
        (["--feedback", "absent.csv"], 4),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], code: int, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.json"
    assert run("baseline", log, *options, "--out", out, "--quiet") == code
    assert not out.exists()


def test_a_log_that_cannot_be_read_is_told(log: Path, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.json"
    assert run("baseline", tmp_path / "absent.log", "--model", bundle, "--out", out, "--quiet") == 4
    assert not out.exists()
    assert run("baseline", log, tmp_path / "absent.log", "--model", bundle, "--out", out, "--quiet") == 4
    assert load_baseline(out).about.connections == 2000
