"""``zeekml simulate``: the options reach the writer."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from zeekml.cli import main, simulate
from zeekml.simulate import FORMATS, Scenario


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["simulate", *map(str, arguments)])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_the_same_seed_gives_the_same_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert run("--out", tmp_path / name, "--connections", "500", "--seed", "3") == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert "500 connections written" in capsys.readouterr().err


def test_every_option_arrives(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    assert (
        run(
            *("--out", log, "--connections", "300", "--format", "json", "--json-ts", "iso8601", "--labels"),
            *("--hosts", "12", "--start", "0", "--pattern", "dns"),
        )
        == 0
    )
    connections = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(connections) == 300
    assert all(connection["ts"].startswith("1970-01-01T") for connection in connections)
    assert all("label" in connection for connection in connections)
    assert {connection["id.resp_p"] for connection in connections} == {53}


def test_standard_output_is_the_log_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zeekml", "simulate", "--out", "-", "--connections", "100", "--format", "eve"],
        capture_output=True,
        text=True,
        check=True,
    )
    kinds = [json.loads(line)["event_type"] for line in done.stdout.splitlines()]
    assert kinds.count("flow") == 100


def test_a_wrong_value_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--out", tmp_path / "x", "--pattern", "nope") == 6
    assert "nope" in capsys.readouterr().err


def test_formats_and_defaults_are_those_of_the_writer() -> None:
    assert tuple(value.value for value in simulate.LogFormat) == FORMATS
    defaults = {
        name: parameter.default for name, parameter in inspect.signature(simulate.simulate).parameters.items()
    }
    scenario = Scenario()
    assert (defaults["connections"], defaults["seed"], defaults["start"]) == (
        scenario.connections,
        scenario.seed,
        scenario.start,
    )
