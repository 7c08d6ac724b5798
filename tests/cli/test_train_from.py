"""``zeekml train --from`` on the command line: what goes together, what is printed, and the way of a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from tests.training.data import recipe_file
from zeekml.cli import main
from zeekml.scoring import load_bundle
from zeekml.simulate import Scenario, write_traffic


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model, its recipe, and a site's log."""
    folder = tmp_path_factory.mktemp("from")
    tiny_bundle(folder / "tiny")
    recipe_file(
        folder, lambda content: content.update(made={"behaviours": ["benign/clocks", "hostile/scan"]})
    )
    write_traffic(folder / "conn.log", Scenario(connections=300, seed=2, hosts=12))
    return folder


def test_a_model_is_tuned_scores_and_shows_its_parent(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("train", "--from", folder / "tiny", folder / "conn.log", "--recipe", folder / "recipe.yaml")
    assert run(*command, "--out", tmp_path, "--epochs", "1", "--most-lost", "1") == 0
    shown = capsys.readouterr().out
    assert "on made hosts" in shown
    assert "on the site's last 75 connections" in shown
    assert "before" in shown
    assert shown.endswith(f"bundle: {tmp_path / 'tiny-site'}\n")
    assert (
        run(
            "score",
            folder / "conn.log",
            "--out",
            tmp_path / "v",
            "--model",
            tmp_path / "tiny-site",
            "--quiet",
        )
        == 0
    )
    assert run("model", "show", tmp_path / "tiny-site") == 0
    facts = capsys.readouterr().out
    assert "tiny, version 1, on 20" in facts
    assert "conn.log: 300 connections, 75 held out" in facts
    assert run("model", "verify", tmp_path / "tiny-site") == 0
    capsys.readouterr()
    assert run("model", "figures", tmp_path / "tiny-site") == 0
    assert "before" in capsys.readouterr().out
    labelled = tmp_path / "labelled.log"
    write_traffic(labelled, Scenario(connections=300, seed=3, hosts=12), labels=True)
    assert run("evaluate", folder / "tiny", tmp_path / "tiny-site", labelled, "--quiet") == 0


def test_a_model_that_has_forgotten_is_shown_and_not_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is found out is tried elsewhere: this one is said to have lost something."""
    monkeypatch.setattr("zeekml.tuning.job.lost", lambda *_: ["average precision from 0.900 to 0.500"])
    command = ("train", "--from", folder / "tiny", folder / "conn.log", "--recipe", folder / "recipe.yaml")
    assert run(*command, "--out", tmp_path, "--epochs", "1") == 5
    shown = capsys.readouterr()
    assert "on made hosts" in shown.out
    assert "bundle:" not in shown.out
    assert "average precision from 0.900 to 0.500" in shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_verdict_goes_from_the_analyst_into_the_calibration(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, model = tmp_path / "feedback.csv", str(folder / "tiny")
    verdicts = tmp_path / "v"
    score = ("score", folder / "conn.log", "--format", "json", "--log-threshold", "0", "--quiet", "--model")
    assert run(*score, model, "--out", verdicts) == 0
    first = json.loads((verdicts / "zeekml.log").read_text(encoding="utf-8").splitlines()[0])
    say = (
        "feedback",
        first["uid"],
        folder / "conn.log",
        "--benign",
        "--file",
        table,
        "--model",
        model,
        "--quiet",
    )
    assert run(*say) == 0
    calibrate = (
        "train",
        "--from",
        model,
        "--calibrate-only",
        "--feedback",
        table,
        "--recipe",
        folder / "recipe.yaml",
    )
    assert run(*calibrate, "--prior", "1", "--out", tmp_path, "--name", "told", folder / "conn.log") == 0
    assert "called benign, mean score" in capsys.readouterr().out
    assert run(*score, str(tmp_path / "told"), "--out", tmp_path / "w") == 0
    later = json.loads((tmp_path / "w" / "zeekml.log").read_text(encoding="utf-8").splitlines()[0])
    assert later["uid"] == first["uid"]
    assert later["score"] < first["score"]
    # The log is gone, the verdict is not.
    assert run(*calibrate, "--out", tmp_path, "--name", "later") == 0
    tuning = load_bundle(tmp_path / "later").manifest.tuning
    assert tuning is not None
    assert (tuning.feedback.used, tuning.logs) == (1, ())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "expected one RECIPE.yaml, found 0"),
        (("a.yaml", "b.yaml"), "logs go with --from MODEL"),
        (("a.yaml", "--epochs", "2"), "--epochs goes with --from"),
        (("a.yaml", "--calibrate-only"), "--calibrate-only goes with --from"),
        (("--from", "M"), "name the site's logs"),
        (("--from", "M", "conn.log", "--processes", "2"), "--processes does not go with --from"),
        (("--from", "M", "conn.log", "--prior", "2"), "--prior goes with --calibrate-only"),
        (("--from", "M", "--calibrate-only"), "needs verdicts"),
        (
            ("--from", "M", "--calibrate-only", "--feedback", "f.csv", "--seed", "1"),
            "--seed does not go with",
        ),
        (("--from", "M", "conn.log", "--name", "Über uns"), "expected small letters"),
    ],
)
def test_options_that_do_not_go_together(
    folder: Path, arguments: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(folder / "tiny")
    assert run("train", *(model if argument == "M" else argument for argument in arguments)) == 2
    assert expected in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_model_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "--from", "nope", tmp_path / "conn.log") == 5
    assert "no such name" in capsys.readouterr().err


def test_a_table_that_is_none(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("train", "--from", folder / "tiny", "--recipe", folder / "recipe.yaml", "--calibrate-only")
    assert run(*command, "--feedback", tmp_path / "nope.csv", "--out", tmp_path) == 6
    assert "nope.csv" in capsys.readouterr().err
