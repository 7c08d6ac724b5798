"""What lies in config/ for the system: accepted by the system's own tools where they are installed."""

from __future__ import annotations

import configparser
import getpass
import grp
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from zeekml.cli import app
from zeekml.cli.exit_codes import ExitCode
from zeekml.pipeline.signals import LEAVE
from zeekml.records.rotation import rotation
from zeekml.resources import data_folder


@pytest.fixture(scope="module")
def folder() -> Path:
    return data_folder("config")


def tool(name: str) -> str:
    """The path of a tool; the test is skipped, saying so, where it is absent."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path) -> str:
    """All that a command says; it must succeed."""
    done = subprocess.run([*command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def unit(folder: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(folder / "zeekml.service")
    return parser["Service"]


def test_systemd_accepts_the_unit(folder: Path) -> None:
    assert run(tool("systemd-analyze"), "verify", folder / "zeekml.service") == ""


def test_the_sandbox_is_hardened(folder: Path) -> None:
    said = run(tool("systemd-analyze"), "security", "--offline=true", folder / "zeekml.service")
    found = re.search(r"exposure level for zeekml.service: (\d+\.\d+)", said)
    assert found is not None
    assert float(found[1]) < 2.0


def test_the_unit_notifies_and_is_watched(folder: Path) -> None:
    service = unit(folder)
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) > 30
    assert service["User"] == "zeekml"
    assert service["ProtectSystem"] == "strict"
    assert "ReadWritePaths" not in service
    assert service["StateDirectory"] == "zeekml"
    assert all(
        word.startswith("/var/lib/zeekml/")
        for word in re.findall(r"--(?:out|state) (\S+)", service["ExecStart"])
    )


def test_zeek_comes_first(folder: Path) -> None:
    service = unit(folder)
    assert int(service["Nice"]) > 0
    assert int(service["CPUWeight"]) < 100 > int(service["IOWeight"]), "100 is what others have"
    assert (service["IOSchedulingClass"], service["IOSchedulingPriority"]) == ("best-effort", "7")


def test_what_does_not_heal_by_itself_is_not_restarted(folder: Path) -> None:
    codes = {int(code) for code in unit(folder)["RestartPreventExitStatus"].split()}
    assert codes == {ExitCode.USAGE, ExitCode.MODEL, ExitCode.CONFIG, ExitCode.STATE}


def parsed(command_line: list[str]) -> dict[str, Any]:
    """What zeekml makes of a command line; it must be right."""
    program, name, *arguments = command_line
    assert program == "zeekml"
    with typer.main.get_command(app).make_context("zeekml", [name, *arguments]) as context:
        command = context.command.get_command(context, name)  # type: ignore[attr-defined]
        with command.make_context(name, arguments, parent=context) as inner:
            return dict(inner.params)


def test_the_unit_starts_a_command_line_that_there_is(folder: Path) -> None:
    given = parsed(shlex.split(unit(folder)["ExecStart"].removeprefix("/usr/bin/env ")))
    assert given["paths"] == [Path("/opt/zeek/logs/current/conn.log")]
    assert given["config"] == Path("/etc/zeekml/zeekml.yaml")


def test_the_unit_leaves_a_stop_its_time_and_a_flood_its_memory(folder: Path) -> None:
    assert int(unit(folder)["TimeoutStopSec"]) > LEAVE + 5
    assert unit(folder)["MemoryMax"] == "1536M"


def test_the_image_starts_command_lines_that_there_are(root: Path) -> None:
    text = (root / "Dockerfile").read_text()
    entry, command = (json.loads(found) for found in re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", text, re.M))
    given = parsed(entry + command)
    assert given["paths"] == [Path("/logs")]
    volume = re.search(r"^VOLUME (\S+)$", text, re.M)
    assert volume is not None
    assert given["out"].parent == given["state"].parent == Path(volume[1])
    health = re.search(r"^HEALTHCHECK .* CMD (zeekml .*?) >/dev/null", text, re.M)
    assert health is not None
    parsed(health[1].split())


def test_user_and_folders_are_those_of_the_unit(folder: Path) -> None:
    users = re.findall(r"^u (\S+)", (folder / "zeekml.sysusers.conf").read_text(), re.MULTILINE)
    assert users == [unit(folder)["User"]]
    lines = (folder / "zeekml.tmpfiles.conf").read_text().splitlines()
    made = {line.split()[1] for line in lines if line.startswith("d ")}
    assert {"/var/lib/zeekml/logs", "/var/lib/zeekml/state", "/etc/zeekml"} <= made


def test_systemd_accepts_the_user_and_the_folders(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    said = run(tool("systemd-sysusers"), "--dry-run", f"--root={tmp_path}", folder / "zeekml.sysusers.conf")
    assert "zeekml" in said


def test_logrotate_renames_the_outputs_as_zeek_does(folder: Path, tmp_path: Path) -> None:
    logrotate = tool("logrotate")
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("notice.log", "zeekml.log"):
        (logs / name).write_text("#separator \\x09\n")
    signalled = tmp_path / "signalled"
    rules = (folder / "logrotate.zeekml").read_text()
    rules = rules.replace("/var/lib/zeekml/logs", str(logs))
    rules = rules.replace("su zeekml zeekml", f"su {getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}")
    rules = re.sub(r"systemctl kill .*", f"touch {signalled}", rules)
    (tmp_path / "rules").write_text(rules)
    (tmp_path / "rules").chmod(0o644)
    run(logrotate, "--force", "--state", tmp_path / "state", tmp_path / "rules")
    (rotated,) = logs.glob("notice.*.log")
    turned = rotation(str(rotated))
    assert turned.stem == str(logs / "notice.log")
    assert turned.moment is not None
    assert not (logs / "notice.log").exists(), "zeekml makes the new file, with its header"
    assert signalled.exists()


def test_the_rules_of_logrotate_never_cut(folder: Path) -> None:
    rules = re.sub(r"#.*", "", (folder / "logrotate.zeekml").read_text())
    assert "copytruncate" not in rules
    assert "HUP zeekml.service" in rules


def test_alert_rules_have_what_prometheus_asks_for(folder: Path) -> None:
    groups = yaml.safe_load((folder / "prometheus-rules.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"]


def test_the_image_runs_without_root_and_asks_for_health(root: Path) -> None:
    lines = (root / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    told = [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line and line[0] != "#"]
    images = [rest.split()[0] for word, rest in told if word == "FROM"]
    assert images == ["python:3.11-slim"] * 2
    last = dict(told)
    assert last["USER"] == "10001:10001"
    assert "zeekml status" in last["HEALTHCHECK"]
    copied = [
        part
        for word, rest in told
        if word == "COPY" and not rest.startswith("--")
        for part in rest.split()[:-1]
    ]
    for name in copied:
        assert (root / name).exists()
    kept = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == kept
