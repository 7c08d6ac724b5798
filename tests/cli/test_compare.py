"""``zeekml compare``: its options, its words, and what an interruption leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zeekml import cli, comparison
from zeekml.comparison import Outcome, Request


def called(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", *arguments])
    return int(str(stop.value.code or 0))


def test_options_become_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Request] = []

    def compare(request: Request, watcher: Any) -> Outcome:
        asked.append(request)
        return Outcome({"IoT-23, distinct": (["", "binary accuracy"], [["GRU", "98.57"]])}, ["It leads."])

    monkeypatch.setattr(comparison, "compare", compare)
    out = tmp_path / "out"
    assert called(["--data", "d", "--out", str(out)]) == 0
    assert asked[0].data_sets == ("iot23", "unsw-nb15")
    assert asked[0].protocols == ("random", "distinct", "scenario")
    assert asked[0].tasks == ("binary", "multi")
    assert (asked[0].seeds, asked[0].settings) == (3, None)
    assert asked[0].document == out / "evaluation.md"
    said = capsys.readouterr().out
    assert "IoT-23, distinct" in said
    assert "98.57" in said
    assert "It leads." in said
    narrow = ["--dataset", "iot23", "--protocol", "distinct", "--task", "multi", "--seeds", "1"]
    assert called(["--data", "d", "--out", str(out), *narrow, "--processes", "2", "--document", "x.md"]) == 0
    assert asked[1].data_sets == ("iot23",)
    assert (asked[1].protocols, asked[1].tasks, asked[1].processes) == (("distinct",), ("multi",), 2)
    assert asked[1].document == Path("x.md")
    assert asked[1].command == (
        "zeekml compare --data DATA --out OUT --dataset iot23 --protocol distinct --task multi --seeds 1"
    )


def test_an_absent_table_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 4
    assert "iot23-first100k.parquet: is not there" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_interruption_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(request: Request, watcher: Any) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "compare", stopped)
    assert called(["--data", "d", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err == (
        f"zeekml: interrupted; the same command goes on from what is in {tmp_path}\n"
    )
