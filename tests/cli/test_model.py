"""``zeekml model`` on the shipped model and on damaged ones."""

from __future__ import annotations

import shutil
from pathlib import Path

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
