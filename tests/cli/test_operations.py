"""``zeekml status`` and ``zeekml doctor`` as they are typed."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from zeekml.cli import main
from zeekml.cli.exit_codes import ExitCode
from zeekml.operations import Health, Telemetry, serve


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    code = stop.value.code
    return code if isinstance(code, int) else 0


def free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_status_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("status", "--listen", free()) == ExitCode.UNHEALTHY
    assert "no watch runs here" in capsys.readouterr().err


def test_status_of_a_watch(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry("conn-1-res")
    with serve(telemetry, Health(telemetry), "127.0.0.1:0") as server:
        assert server is not None
        assert call("status", "--listen", server.address) == ExitCode.UNHEALTHY
        telemetry.ready = True
        assert call("status", "--listen", server.address) == ExitCode.OK
    assert "conn-1-res" in capsys.readouterr().out


def test_status_counts_what_zeek_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alerts.table").write_text("#fields\tid\twritten\na\t100.0\nb\t300.0\n")
    config = tmp_path / "site.yaml"
    config.write_text("sinks:\n  alerts_table:\n    path: alerts.table\n")
    options = ["status", "--listen", free(), "--config", str(config), "--out"]
    call(*options, str(tmp_path), "--zeek-start", "200")
    shown = capsys.readouterr().out
    assert "2 rows" in shown
    assert "before Zeek's start" in shown
    assert "1, of which" in shown
    call(*options, str(tmp_path / "none"))
    assert "it comes with the first alert" in " ".join(capsys.readouterr().out.split())


def test_an_address_that_is_none_is_a_config_error() -> None:
    assert call("status", "--listen", "here") == ExitCode.CONFIG


def test_doctor_of_a_made_log(made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(f"metrics:\n  listen: {free()}\n")
    options = ["--out", str(tmp_path / "out"), "--state", str(tmp_path / "state"), "--config", str(config)]
    assert call("doctor", str(made_log), *options) == ExitCode.OK
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1].startswith("0 wrong, ")
    assert "all hashes match" in shown
    assert not (tmp_path / "out").exists()


def test_doctor_tells_all_that_is_wrong_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.yaml"
    config.write_text("score:\n  treshold: 1\n")
    (tmp_path / "conn\x1b[2J.log").write_text("nothing\n")
    assert call("doctor", str(tmp_path / "conn\x1b[2J.log"), "--config", str(config)) == ExitCode.UNHEALTHY
    shown = capsys.readouterr().out
    assert "score.treshold: unknown setting" in shown
    assert "no header" in shown
    assert "\x1b" not in shown


def test_doctor_tells_of_entries_for_sensors_that_are_not_there(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dmz-1").mkdir()
    shutil.copy(made_log, tmp_path / "dmz-1" / "conn.log")
    config = tmp_path / "site.yaml"
    config.write_text(
        "alerts:\n  allowlist:\n    - {reason: right, sensors: ['DMZ-?']}\n    - {reason: moved, sensors: [lab-7]}\n"
        f'metrics: {{listen: "{free()}"}}\n'
    )
    call("doctor", str(tmp_path), "--config", str(config))
    told = [line for line in capsys.readouterr().out.splitlines() if "allowlist" in line]
    assert len(told) == 1
    assert "the entry 'moved' is for the sensors lab-7" in told[0]


def test_doctor_tells_of_expired_entries_and_absent_models(
    made_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(
        f"score: {{model: {tmp_path}/none}}\nalerts:\n  allowlist:\n"
        "    - {reason: old, ports: [443/tcp], expires: 2020-01-01}\n"
        f'metrics: {{listen: "{free()}"}}\n'
    )
    assert call("doctor", str(made_log), "--config", str(config)) == ExitCode.UNHEALTHY
    shown = capsys.readouterr().out
    assert "the entry 'old' expired on 2020-01-01" in shown
    assert "wrong    model: " in shown
