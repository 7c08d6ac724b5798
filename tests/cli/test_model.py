"""``zeekml model`` on the shipped model and on damaged ones."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from zeekml.cli import main
from zeekml.resources import DEFAULT_MODEL, data_folder


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_list_names_the_default_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "list") == 0
    assert any(
        line.startswith(DEFAULT_MODEL) and "default" in line for line in capsys.readouterr().out.splitlines()
    )


def test_list_shows_a_broken_model_with_the_reason(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(copy, tmp_path / "whole")
    (copy / "bundle.yaml").write_text("[]")
    monkeypatch.setattr("zeekml.scoring.bundle.data_folder", lambda _: tmp_path)
    assert run("model", "list") == 0
    broken, whole = capsys.readouterr().out.splitlines()
    assert broken.startswith("copy  broken: ")
    assert "expected a mapping, found list" in broken
    assert whole.startswith("whole  version ")


def test_show_tells_thresholds_classes_and_hashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "show") == 0
    shown = capsys.readouterr().out
    for said in (DEFAULT_MODEL, "conn-1", "Benign", "threshold", "false-positive rate", "sha256"):
        assert said in shown


def test_figures_tell_what_a_model_was_measured_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "figures") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for said in (
        "held out",
        "average precision",
        " ± ",
        "calibration error",
        "most alarms in a clean network",
    ):
        assert said in shown
    assert "clean hosts named at it" in shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "holds no figures of zeekml train"),
        ("[]", "expected an object, found list"),
        ("{", "is not valid JSON"),
    ],
)
def test_figures_that_a_bundle_lacks_are_an_error(
    content: str, said: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    former = hashlib.sha256((copy / "metrics.json").read_bytes()).hexdigest()
    (copy / "metrics.json").write_text(content)
    assert run("model", "figures", copy) == 5
    assert "metrics.json: the file was altered" in capsys.readouterr().err
    manifest = (copy / "bundle.yaml").read_text()
    (copy / "bundle.yaml").write_text(manifest.replace(former, hashlib.sha256(content.encode()).hexdigest()))
    assert run("model", "figures", copy) == 5
    assert said in capsys.readouterr().err


def test_train_prints_the_figures_and_where_the_bundle_is(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trained(*given: Any) -> Path:
        assert given[:3] == (tmp_path / "recipe.yaml", tmp_path, Path("models"))
        return copy

    monkeypatch.setattr("zeekml.training.job.train", trained)
    assert run("model", "figures") == 0
    figures = capsys.readouterr().out
    assert run("train", tmp_path / "recipe.yaml", "--processes", "1") == 0
    assert capsys.readouterr().out == figures + f"bundle: {copy}\n"


def test_an_intact_model_verifies(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "verify", DEFAULT_MODEL) == 0
    assert f"{DEFAULT_MODEL}: ok" in capsys.readouterr().out


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(data_folder("models") / DEFAULT_MODEL, tmp_path / "copy"))


def test_a_changed_byte_is_found(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "verify", copy) == 0
    weights = copy / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    assert run("model", "verify", copy) == 5
    assert "weights.safetensors" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "verify", "no-such-model") == 5
    assert "no-such-model" in capsys.readouterr().err
