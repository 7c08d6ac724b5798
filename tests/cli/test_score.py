"""``zeekml score`` from the command line to the files, with the shipped model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zeekml.cli import main
from zeekml.resources import DEFAULT_MODEL


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def rows(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def test_a_made_log_gives_notices_and_a_closing_table(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("score", made_log, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert "20,000" in shown.out
    assert f"written to {tmp_path / 'out'}: notice.log, zeekml.log" in shown.out.replace("\n", " ")
    assert all(" connections, " in line for line in shown.err.splitlines())  # on a slow machine
    notices = rows(tmp_path / "out" / "notice.log")
    assert any("ZeekML::Botnet_Host" in line for line in notices)
    assert all(f"model={DEFAULT_MODEL}" in line for line in notices)


def test_json_holds_the_same_connections(made_log: Path, tmp_path: Path) -> None:
    assert run("score", made_log, "--out", tmp_path / "tsv", "--log-threshold", "0", "--quiet") == 0
    assert (
        run(
            "score",
            made_log,
            "--out",
            tmp_path / "json",
            "--log-threshold",
            "0",
            "--quiet",
            "--format",
            "json",
        )
        == 0
    )
    as_tsv = [line.split("\t")[1] for line in rows(tmp_path / "tsv" / "zeekml.log")]
    as_json = [json.loads(line)["uid"] for line in rows(tmp_path / "json" / "zeekml.log")]
    assert as_tsv == as_json
    assert len(as_tsv) == 20_000


def test_quiet_says_nothing(made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", made_log, "--out", tmp_path / "out", "--quiet") == 0
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""


def test_alerts_give_code_3_when_asked_for(made_log: Path, tmp_path: Path) -> None:
    assert run("score", made_log, "--out", tmp_path / "out", "--quiet", "--fail-on-alert") == 3


def test_a_bad_log_gives_code_4_and_the_others_are_scored(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary.log"
    binary.write_bytes(bytes(range(256)) * 64)
    assert run("score", binary, made_log, "--out", tmp_path / "out", "--log-threshold", "0") == 4
    shown = capsys.readouterr()
    assert f"zeekml: {binary}" in shown.err
    assert "Traceback" not in shown.err
    assert len(rows(tmp_path / "out" / "zeekml.log")) == 20_000


def test_a_missing_log_gives_code_4_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("score", tmp_path / "absent.log", "--out", tmp_path / "out") == 4
    assert "absent.log" in capsys.readouterr().err
    assert not (tmp_path / "out" / "notice.log").exists()


def test_a_suricata_log_without_flows_is_warned_of_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "eve.json").write_text('{"event_type":"alert","alert":{}}\n')
    assert run("score", tmp_path / "eve.json", "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert shown.err.startswith(
        f"zeekml: warning: {tmp_path / 'eve.json'}: a Suricata log without flow events"
    )
    (row,) = [line for line in shown.out.splitlines() if line.startswith("logs without flow events")]
    assert row.split()[-1] == "1"


def test_the_bot_of_a_real_capture_is_named(shared_data: Path, tmp_path: Path) -> None:
    log = shared_data / "zeek" / "iot23-34-1-mirai.conn.log.labeled.gz"
    assert run("score", log, "--out", tmp_path / "out", "--quiet") == 0
    notices = [line.split("\t") for line in rows(tmp_path / "out" / "notice.log")]
    assert "192.168.1.195" in {notice[13] for notice in notices if notice[10] == "ZeekML::Botnet_Host"}


def test_a_bad_model_gives_code_5(made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", made_log, "--out", tmp_path / "out", "--model", "no-such-model") == 5
    assert "no-such-model" in capsys.readouterr().err


def test_a_bad_setting_gives_code_6(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("score", made_log, "--out", tmp_path / "out", "--log-threshold", "2") == 6
    assert "log_threshold" in capsys.readouterr().err
    (tmp_path / "site.yaml").write_text("alerts:\n  supress_for: 1\n")
    assert run("score", made_log, "--out", tmp_path / "out", "--config", tmp_path / "site.yaml") == 6
    assert "line 2: alerts.supress_for" in capsys.readouterr().err


def test_a_bad_setting_takes_nothing_from_a_pipe(made_log: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeekml.yaml").write_text("score: {log_threshold: 7}\n")
    begun = time.monotonic()
    assert (
        run("score", tmp_path / "pipe", "--out", tmp_path / "out", "--config", tmp_path / "zeekml.yaml") == 6
    )
    assert time.monotonic() - begun < 2, "nobody writes to it"


def test_an_output_that_cannot_be_written_gives_code_7(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")
    assert run("score", made_log, "--out", tmp_path / "out") == 7
    assert str(tmp_path / "out") in capsys.readouterr().err


def test_the_settings_of_a_file_hold(made_log: Path, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        "score: {log_threshold: 0, format: json}\n"
        "alerts: {allowlist: [{reason: everything is allowed, networks: [0.0.0.0/0, '::/0']}]}\n"
    )
    assert (
        run("score", made_log, "--out", tmp_path / "out", "--config", tmp_path / "site.yaml", "--quiet") == 0
    )
    assert len(rows(tmp_path / "out" / "zeekml.log")) == 20_000
    assert rows(tmp_path / "out" / "notice.log") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_leaves_no_debris(number: int, made_log: Path, tmp_path: Path) -> None:
    """Standard input stays open, so the run cannot end by itself; its hidden files show that it has begun."""
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "zeekml", "score", "-", "--out", str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )
    assert process.stdin is not None
    process.stdin.write(made_log.read_bytes())
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not (out.exists() and list(out.iterdir())):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    said = process.communicate()[1].decode()
    assert process.returncode == 130
    assert said == "zeekml: interrupted, nothing was written\n"
    assert not out.exists() or list(out.iterdir()) == []


def test_standard_input_is_read(made_log: Path, tmp_path: Path) -> None:
    with made_log.open("rb") as log:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "zeekml",
                "score",
                "-",
                "--out",
                str(tmp_path),
                "--log-threshold",
                "0",
                "--quiet",
            ],
            stdin=log,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows(tmp_path / "zeekml.log")) == 20_000
