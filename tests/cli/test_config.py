"""``zeekml config``."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeekml.cli import main
from zeekml.config import Settings, parse_settings


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_show_prints_settings_that_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "show") == 0
    assert parse_settings(capsys.readouterr().out, "shown") == Settings()
    (tmp_path / "site.yaml").write_text("score: {threads: 7}")
    assert run("config", "show", "--config", str(tmp_path / "site.yaml")) == 0
    assert parse_settings(capsys.readouterr().out, "shown").score.threads == 7


def test_check_says_ok_or_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("score:\n  threads: 7\n")
    assert run("config", "check", str(site)) == 0
    assert capsys.readouterr().out == f"{site}: ok\n"
    site.write_text("score:\n  threds: 7\n")
    assert run("config", "check", str(site)) == 6
    assert f"{site}, line 2: score.threds: unknown setting" in capsys.readouterr().err
