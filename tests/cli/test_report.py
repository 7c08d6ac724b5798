"""``zeekml report`` from the command line."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.report.logs import notice, scored, write
from zeekml.cli import main
from zeekml.cli.exit_codes import ExitCode
from zeekml.resources import DEFAULT_MODEL, data_folder


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["report", *map(str, arguments)])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def content(page: Path) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="document">(.*?)</script>', page.read_text(), re.DOTALL
    )
    assert found is not None
    parsed: dict[str, Any] = json.loads(found[1])
    return parsed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out" / "notice.log", [notice(0), notice(5, evidence=31.0, model=DEFAULT_MODEL)])
    write(tmp_path / "out" / "zeekml.log", [scored(at) for at in range(4)])
    return tmp_path / "out"


def test_a_scored_log_makes_a_page(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["score", str(made_log), "--out", str(tmp_path / "out"), "--quiet"])
    page = tmp_path / "page.html"
    assert run(tmp_path / "out", "--out", page) == ExitCode.OK
    found = content(page)
    lines = [line for line in (tmp_path / "out" / "notice.log").read_text().splitlines() if line[0] != "#"]
    assert found["totals"]["notices"] == len(lines) > 0
    assert capsys.readouterr().out == (
        f"hosts named: {found['totals']['named']:,}, notices: {len(lines):,}; written to {page}\n"
    )
    assert stat.S_IMODE(page.stat().st_mode) & 0o007 == 0


def test_a_folder_stands_for_its_logs_and_their_rotated_files(folder: Path, tmp_path: Path) -> None:
    rotated = write(tmp_path / "notice.2026-11-23-14-00-00.log", [notice(-9)])
    (folder / f"{rotated.name}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    write(folder / ".notice.log", [notice(77)])
    (folder / "rejects.log").write_text("nothing of this\n")
    assert run(folder, "--out", tmp_path / "page.html", "--quiet") == ExitCode.OK
    found = content(tmp_path / "page.html")
    assert found["totals"]["notices"] == 3
    assert [source["kind"] for source in found["sources"]] == ["notice.log", "notice.log", "zeekml.log"]


@pytest.mark.parametrize(("name", "notices", "connections"), [("notice.log", 2, 1), ("zeekml.log", 0, 4)])
def test_one_log_is_enough(folder: Path, tmp_path: Path, name: str, notices: int, connections: int) -> None:
    assert run(folder / name, "--out", tmp_path / "page.html") == ExitCode.OK
    totals = content(tmp_path / "page.html")["totals"]
    assert (totals["notices"], totals["connections"]) == (notices, connections)


def test_a_log_named_twice_is_read_once(folder: Path, tmp_path: Path) -> None:
    assert run(folder, folder / "notice.log", "--out", tmp_path / "page.html") == ExitCode.OK
    assert content(tmp_path / "page.html")["totals"]["notices"] == 2


def test_the_page_goes_to_the_current_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(folder) == ExitCode.OK
    assert (tmp_path / "zeekml-report.html").is_file()


def test_the_thresholds_are_those_of_model_and_settings(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "zeekml.yaml").write_text("alerts:\n  host_threshold: 77\n")
    assert run(folder, "--out", tmp_path / "page.html", "--config", tmp_path / "zeekml.yaml") == ExitCode.OK
    found = content(tmp_path / "page.html")
    models = {found["strings"][model["name"]]: model for model in found["models"]}
    assert models["sample-1"]["facts"] == []
    assert models[DEFAULT_MODEL]["hostThreshold"] == 77
    facts = {
        found["strings"][name]: found["strings"][value] for name, value in models[DEFAULT_MODEL]["facts"]
    }
    assert facts["a host is named from"].startswith("evidence 77, by the settings")
    assert facts["a connection alerts from"].startswith("score 0.")


def test_a_bundle_of_one_s_own_is_known_by_its_folder(tmp_path: Path) -> None:
    bundle = tmp_path / "mine"
    bundle.mkdir()
    manifest = (data_folder("models") / DEFAULT_MODEL / "bundle.yaml").read_text()
    (bundle / "bundle.yaml").write_text(re.sub(r"(?m)^name: .*$", "name: sample-1", manifest))
    log = write(tmp_path / "notice.log", [notice()])
    assert run(log, "--out", tmp_path / "page.html", "--model", bundle) == ExitCode.OK
    assert content(tmp_path / "page.html")["models"][0]["facts"]
    assert run(log, "--out", tmp_path / "other.html", "--model", "no-such") == ExitCode.MODEL
    assert not (tmp_path / "other.html").exists()


def test_what_cannot_be_read_is_told_and_the_rest_is_shown(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = folder / "zeekml.2026-11-23.log.gz"
    damaged.write_bytes(gzip.compress((folder / "zeekml.log").read_bytes())[:-20])
    assert run(folder, "--out", tmp_path / "page.html") == ExitCode.INPUT
    assert "the gzip stream ends before its end mark" in capsys.readouterr().err
    found = content(tmp_path / "page.html")
    assert found["totals"]["notices"] == 2
    problems = [found["strings"][source["problem"]] for source in found["sources"] if source["problem"] >= 0]
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "cannot be opened: No such file"), ("empty", "holds no notice.log and no zeekml.log"),
     ("conn.log", "expected a notice.log or zeekml.log")],
)  # fmt: skip
def test_nothing_to_report_on_is_an_error_without_a_page(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copy(root / "tests" / "data" / "logs" / "zeek7.conn.log", tmp_path / "conn.log")
    assert run(tmp_path / name, "--out", tmp_path / "page.html") == ExitCode.INPUT
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written_is_an_error_of_ours(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "--out", tmp_path) == ExitCode.OUTPUT


def test_a_link_in_the_way_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "page.html").symlink_to(other)
    assert run(folder, "--out", tmp_path / "page.html") == ExitCode.OK
    assert other.read_text() == "mine"
    assert not (tmp_path / "page.html").is_symlink()
