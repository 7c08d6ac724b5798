"""``zeekml feedback`` from the command line to what evaluation makes of the file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from zeekml.cli import main


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.fixture(scope="module")
def alerting(made_log: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The connections of zeekml.log that alert, in log order."""
    out = tmp_path_factory.mktemp("scored")
    assert run("score", made_log, "--out", out, "--format", "json", "--log-threshold", "0.5", "--quiet") == 0
    lines = [json.loads(line) for line in (out / "zeekml.log").read_text().splitlines()]
    return [line for line in lines if line.get("reasons")][:3]


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_a_verdict_is_kept_with_what_the_model_said(
    alerting: list[Any], made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, first = tmp_path / "feedback.csv", alerting[0]
    say = ("feedback", first["uid"], made_log, "--file", file, "--quiet")
    assert run(*say, "--benign", "--reason", "our own scanner") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith(
        f"{first['uid']}, {first['id.orig_h']} to {first['id.resp_h']}:{first['id.resp_p']}/"
    )
    assert shown.out.endswith(f" {first['class']}: Benign written to {file}\n")
    (line,) = lines_of(file)
    assert (line["uid"], line["corrected"], line["reason"]) == (first["uid"], "Benign", "our own scanner")
    assert line["class"] == first["class"]
    assert float(line["score"]) == pytest.approx(first["score"], abs=1e-4)
    assert line["at"].endswith("+00:00")

    assert run(*say, "--benign", "--reason", "our own scanner") == 0
    assert capsys.readouterr().out.endswith(f"{file} says Benign already\n")
    assert run(*say, "--malicious") == 0
    assert f"{first['class']} written to {file}, where Benign stood" in capsys.readouterr().out
    assert run(*say, "--malicious", "--class", "DDoS") == 0
    assert run(*say, "--unknown") == 0
    assert [line["corrected"] for line in lines_of(file)] == ["Benign", first["class"], "DDoS", "Unknown"]


def test_evaluation_takes_the_file(alerting: list[Any], made_log: Path, tmp_path: Path) -> None:
    """A log without labels has those that the analyst gave."""
    file = tmp_path / "feedback.csv"
    for line, word in zip(alerting, ("--benign", "--malicious", "--malicious"), strict=True):
        assert run("feedback", line["uid"], word, made_log, "--file", file, "--quiet") == 0
    assert run("evaluate", made_log, "--labels", file, "--out", tmp_path / "out", "--quiet") == 0
    (model,) = json.loads((tmp_path / "out" / "evaluation.json").read_text())["models"]
    classes, counts = (
        model["connections"]["confusion"]["classes"],
        model["connections"]["confusion"]["counts"],
    )
    assert model["connections"]["connections"] == 3
    assert sum(counts[classes.index("Benign")]) == 1


def test_verdicts_about_other_logs_are_told(
    alerting: list[Any], made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, other = tmp_path / "feedback.csv", tmp_path / "other.log"
    for line in alerting[:2]:
        run("feedback", line["uid"], made_log, "--benign", "--file", file, "--quiet")
    assert run("simulate", "--out", other, "--connections", "500", "--seed", "99", "--labels") == 0
    capsys.readouterr()
    assert run("evaluate", other, "--labels", file, "--out", tmp_path / "out", "--quiet") == 0
    assert (
        "warning: 2 verdicts are about connections that are in none of these logs" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "give one of --benign, --malicious and --unknown"),
        (("--benign", "--malicious"), "give one of --benign"),
        (("--benign", "--class", "C&C"), "--class goes with --malicious"),
        (("--malicious", "--class", "Trojan"), "the model knows"),
    ],
)
def test_options_that_do_not_go_together(
    made_log: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    expected: str,
) -> None:
    assert run("feedback", "C1", made_log, "--file", tmp_path / "f.csv", *options) == 2
    assert expected in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "f.csv").exists()


def test_a_uid_that_is_nowhere_makes_no_file(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("feedback", "Cnope", made_log, "--benign", "--file", tmp_path / "f.csv", "--quiet") == 4
    assert "no connection has the uid Cnope" in capsys.readouterr().err
    assert not (tmp_path / "f.csv").exists()
