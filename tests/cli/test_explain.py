"""``zeekml explain`` with the shipped model: what it says is what ``zeekml score`` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.made import ROW, conn_log
from zeekml.cli import main
from zeekml.features import LAYOUT
from zeekml.resources import DEFAULT_MODEL


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.fixture(scope="module")
def scored(made_log: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    """The notices and the lines of zeekml.log of the made log."""
    out = tmp_path_factory.mktemp("scored")
    assert run("score", made_log, "--out", out, "--format", "json", "--log-threshold", "0", "--quiet") == 0
    notices, lines = (
        [json.loads(line) for line in (out / name).read_text().splitlines()]
        for name in ("notice.log", "zeekml.log")
    )
    return notices, lines


def test_a_notice_is_explained(
    scored: tuple[list[Any], list[Any]], made_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notice = next(each for each in scored[0] if each["note"] == "ZeekML::Botnet_Host")
    number, line = next((i, each) for i, each in enumerate(scored[1]) if each["uid"] == notice["uid"])
    assert run("explain", notice["uid"], made_log, "--quiet") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    first, second, third, *rest = shown.out.splitlines()
    assert first.startswith(f"{notice['uid']}, 2023-11-1")
    assert f"{notice['id.orig_h']}:{notice['id.orig_p']} -> {notice['id.resp_h']}" in second
    assert third == f"{made_log}, line {number + 9:,}"  # the header has eight lines
    text = "\n".join(rest)
    assert (
        f"score {line['score']:.3f}, {line['class']} {line['class_score']:.3f} (model {DEFAULT_MODEL}" in text
    )
    assert f"notice written: ZeekML::Botnet_Host, {line['class']}, n={notice['n']}" in text
    assert f"evidence against {notice['id.orig_h']} then: " in text
    assert f"  most of it by connections to {', '.join(notice['evidence_peers'])}\n" in text
    assert f"  and on {', '.join(notice['evidence_ports'])}\n" in text
    assert "share of new peers: " in text
    last = text.splitlines()[-1]
    assert f"{notice['id.resp_h']}:{notice['id.resp_p']}/" in last
    assert last.endswith(f"  {line['score']:.3f}")


def test_json_says_the_same(
    scored: tuple[list[Any], list[Any]], made_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notice = next(each for each in scored[0] if each["note"] == "ZeekML::Botnet_Host")
    line = next(each for each in scored[1] if each["uid"] == notice["uid"])
    assert run("explain", "--json", notice["uid"], made_log, "--quiet") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["connection"]["id.orig_h"] == notice["id.orig_h"]
    assert found["score"] == pytest.approx(line["score"], abs=1e-4)
    assert found["class"] == line["class"]
    assert found["alerts"] == (found["score"] >= found["connection_threshold"])
    assert [(each["note"], each["n"]) for each in found["notices"]] == [(notice["note"], notice["n"])]
    assert f"evidence={sum(found['standing']['evidence'].values()):.1f}" in notice["sub"]
    assert {each["note"] for each in found["standing"]["suppressed"]} >= {notice["note"]}
    for held in (found["standing"], *found["notices"]):
        assert (held["peers"], held["ports"]) == (notice["evidence_peers"], notice["evidence_ports"])
    parts = [reason["part"] for reason in found["reasons"]]
    assert parts == sorted(parts, reverse=True)
    assert {name for reason in found["reasons"] for name in reason["features"]} == set(LAYOUT.names)
    assert [one["feature"] for one in found["features"]] == list(LAYOUT.names)
    named = notice["sub"].partition("why=")[2].split("; ")
    said = [reason["words"] for reason in found["reasons"] if reason["words"]]
    assert named == said[: len(named)]
    assert len(found["latest"]) <= 10
    assert found["latest"][-1]["score"] == found["score"]


def test_a_connection_that_scores_low_and_one_that_may_not_alert(
    scored: tuple[list[Any], list[Any]], made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = min(scored[1], key=lambda line: float(line["score"]))["uid"]
    assert run("explain", quiet, made_log, "--quiet") == 0
    assert "no alert: it stays below" in capsys.readouterr().out
    alerting = next(each for each in scored[0] if each["note"] == "ZeekML::Botnet_Connection")
    (tmp_path / "site.yaml").write_text(
        f"alerts: {{allowlist: [{{reason: our own scanner, networks: [{alerting['id.orig_h']}]}}]}}\n"
    )
    assert run("explain", alerting["uid"], made_log, "--quiet", "--config", tmp_path / "site.yaml") == 0
    shown = capsys.readouterr().out
    assert "no alert: the allowlist lets it pass: our own scanner" in shown
    assert "notice written" not in shown
    (tmp_path / "site.yaml").write_text("alerts: {local_nets: [203.0.113.0/24]}\n")
    assert run("explain", alerting["uid"], made_log, "--quiet", "--config", tmp_path / "site.yaml") == 0
    assert "no alert: its originator is not inside" in capsys.readouterr().out


def test_the_past_in_rotated_logs_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def log(hour: int) -> str:
        return conn_log(
            [
                ROW | {"uid": f"C{hour}{i}", "ts": f"{1_700_000_000 + 3600 * hour + i}.000000"}
                for i in range(3)
            ]
        )

    (tmp_path / "conn.2023-11-14-22-00-00.log").write_text(log(0))
    (tmp_path / "conn.2023-11-14-23-00-00.log").write_text(log(1))
    assert run("explain", "C12", tmp_path, "--quiet", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["source"].endswith("conn.2023-11-14-23-00-00.log")
    assert len(found["latest"]) == 6
    tries = next(each for each in found["features"] if each["feature"] == "pair_tries")
    assert tries["words"].endswith(": 6")


def test_what_a_log_says_reaches_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uid = "C\x1b]0;x\x07"
    (tmp_path / "conn.log").write_text(
        conn_log([ROW | {"uid": r"C\x1b]0;x\x07", "service": r"a\x1b[31mb", "conn_state": r"S0\x1b[2J"}])
    )
    assert run("explain", uid, tmp_path / "conn.log", "--quiet") == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"service a\x1b[31mb" in shown
    assert run("explain", uid, tmp_path / "conn.log", "--quiet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["connection"]["uid"] == uid


def test_no_such_connection_gives_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "conn.log").write_text(conn_log([ROW]))
    assert run("explain", "C\x1bnope", tmp_path / "conn.log") == 4
    shown = capsys.readouterr()
    assert r"no connection has the uid C\x1bnope (1 were read)" in shown.err
    assert shown.out == ""
    assert run("explain", "C1", tmp_path / "absent.log") == 4
    assert "absent.log" in capsys.readouterr().err


def test_a_log_that_cannot_be_read_on_the_way_gives_code_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binary.log").write_bytes(bytes(range(256)) * 64)
    (tmp_path / "conn.log").write_text(conn_log([ROW | {"uid": "C1"}]))
    assert run("explain", "C1", tmp_path / "binary.log", tmp_path / "conn.log") == 4
    shown = capsys.readouterr()
    assert "binary.log" in shown.err
    assert shown.out.startswith("C1, ")


def test_a_bad_model_gives_code_5_and_a_bad_setting_code_6(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conn.log").write_text(conn_log([ROW]))
    assert run("explain", "C1", tmp_path / "conn.log", "--model", "no-such-model") == 5
    assert "no-such-model" in capsys.readouterr().err
    (tmp_path / "site.yaml").write_text("scores: {}\n")
    assert run("explain", "C1", tmp_path / "conn.log", "--config", tmp_path / "site.yaml") == 6
    assert "scores" in capsys.readouterr().err
