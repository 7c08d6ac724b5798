"""A watch with a baseline: killed, restarted and reloaded, what was judged then is judged as then."""

from __future__ import annotations

import itertools
import os
import signal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.baseline.made import learned, week
from tests.builders import random_log
from tests.journal.crash import Killed
from tests.pipeline import live_parts
from tests.pipeline.live_parts import records, watch_once
from tests.pipeline.undisturbed import Noted
from zeekml.baseline import Baseline, save_baseline
from zeekml.baseline.file import sealed
from zeekml.config import Settings, parse_settings
from zeekml.errors import BaselineError, StateError
from zeekml.pipeline import live

SETTINGS = parse_settings("score: {log_threshold: 0.3}\nalerts: {suppress_for: 60}", "test")
FRAMES = {"a/conn.log": random_log(1, 160)}
WEIGHTS = "ab" * 32


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps follow each other at once; the stand-in model has the weights of the made baselines."""
    monkeypatch.setattr(live, "PACE", 0.0)
    manifest = SimpleNamespace(name="stand-in", version="1", files={"weights.safetensors": WEIGHTS})
    monkeypatch.setattr(live_parts.BUNDLE, "manifest", manifest, raising=False)


def baseline_at(path: Path, **host: Any) -> Baseline:
    """A baseline with the model's own thresholds, and these fields of every host of FRAMES."""
    content = learned(week()).model_dump(mode="json")
    content["thresholds"]["host"] |= {"value": 5.0, "model": 5.0}
    content["thresholds"]["connection"] |= {"value": 0.9, "model": 0.9}
    one = {**content["hosts"][0], "peers": [], "ports": [], **host}
    content["hosts"] = [{**one, "host": name} for name in ("192.168.1.10", "192.168.1.11")]
    made = sealed(content)
    save_baseline(path, made)
    return made


def failing() -> list[dict[str, Any]]:
    """Ports of which everything is ordinary."""
    rest = {"connections": 1, "failed": 1, "peers": 9, "usual_score": 1.0}
    return [{"port": port, **rest} for port in ("23/tcp", "53/udp", "443/tcp")]


def notices_of(folder: Path) -> list[str]:
    return records(folder / "out", "notice.log")


def with_file(path: Path) -> Settings:
    return SETTINGS.with_baseline(path)


def test_it_takes_notices_away_and_a_restart_changes_nothing(tmp_path: Path) -> None:
    baseline_at(tmp_path / "site.json", usual_evidence=3.0, ports=failing())
    settings = with_file(tmp_path / "site.json")
    watch_once(FRAMES, itertools.repeat(40), tmp_path / "without", SETTINGS)
    watch_once(FRAMES, itertools.repeat(1000), tmp_path / "with", settings)
    assert 0 < len(notices_of(tmp_path / "with")) < len(notices_of(tmp_path / "without"))

    def killed(poll: int) -> None:
        if poll == 3:
            raise Killed

    with pytest.raises(Killed):
        watch_once(FRAMES, itertools.repeat(30), tmp_path / "killed", settings, at_poll=killed)
    watch_once(FRAMES, itertools.repeat(30), tmp_path / "killed", settings)
    assert notices_of(tmp_path / "killed") == notices_of(tmp_path / "with")


@pytest.mark.parametrize("after", [False, True])
def test_what_a_crash_left_is_judged_by_the_baseline_of_its_time(
    after: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file has changed, or is gone, when the journal is read: the copy in the state folder counts."""
    caplog.set_level("INFO", "zeekml")
    site = tmp_path / "site.json"
    old = baseline_at(site, usual_evidence=1e6, ports=failing())

    def killed(poll: int) -> None:
        if poll == 3:
            raise Killed

    with pytest.raises(Killed):
        watch_once(FRAMES, itertools.repeat(30), tmp_path, with_file(site), at_poll=killed)
    before = notices_of(tmp_path)
    copy = tmp_path / "state" / f"baseline.{old.sha256}.json"
    assert copy.exists()
    assert copy.stat().st_mode & 0o777 == 0o600
    if after:
        baseline_at(site, usual_evidence=0.5)
        settings = with_file(site)
    else:
        site.unlink()
        settings = SETTINGS
    watch_once(FRAMES, itertools.repeat(30), tmp_path, settings)
    assert notices_of(tmp_path)[: len(before)] == before
    assert len(notices_of(tmp_path)) > len(before)
    assert "another baseline holds from here on" in caplog.text
    assert not copy.exists()


def test_a_lost_copy_is_told(tmp_path: Path) -> None:
    site = tmp_path / "site.json"
    baseline_at(site, usual_evidence=1.0)
    watch_once(FRAMES, itertools.repeat(30), tmp_path, with_file(site))
    (copy,) = (tmp_path / "state").glob("baseline.*.json")
    copy.unlink()
    watch_once(FRAMES, itertools.repeat(30), tmp_path, with_file(site))  # the same is at hand
    (copy,) = (tmp_path / "state").glob("baseline.*.json")
    copy.unlink()
    with pytest.raises(StateError, match="a baseline whose copy cannot be used"):
        watch_once(FRAMES, itertools.repeat(30), tmp_path, SETTINGS)


def test_a_hangup_reads_it_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site = tmp_path / "site.json"
    baseline_at(site)

    def at_poll(poll: int) -> None:
        if poll == 2:
            baseline_at(site, usual_evidence=1e6, ports=failing())
            os.kill(os.getpid(), signal.SIGHUP)

    watch = partial(watch_once, FRAMES, itertools.repeat(20), settings=with_file(site), baseline=site)
    watch(folder=tmp_path / "without")
    baseline_at(site)
    noted = Noted()
    watch(folder=tmp_path / "with", hooks=noted, at_poll=at_poll)
    assert "reloaded None" in noted.heard
    with_it, without = notices_of(tmp_path / "with"), notices_of(tmp_path / "without")
    assert with_it[:3] == without[:3]
    assert len(with_it) < len(without)


def test_a_hangup_with_a_damaged_file_keeps_the_old_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = tmp_path / "site.json"
    baseline_at(site, usual_evidence=2.0)
    watch_once(FRAMES, itertools.repeat(20), tmp_path / "whole", with_file(site), baseline=site)

    def at_poll(poll: int) -> None:
        if poll == 2:
            site.write_text("{}")
            os.kill(os.getpid(), signal.SIGHUP)

    watch_once(
        FRAMES, itertools.repeat(20), tmp_path / "damaged", with_file(site), baseline=site, at_poll=at_poll
    )
    assert "allowlist and baseline stay as they were" in caplog.text
    assert notices_of(tmp_path / "damaged") == notices_of(tmp_path / "whole")


def test_a_dry_run_keeps_no_copy(tmp_path: Path) -> None:
    site = tmp_path / "site.json"
    baseline_at(site)
    watch_once(FRAMES, itertools.repeat(30), tmp_path, with_file(site), dry_run=True)
    assert not (tmp_path / "state").exists()


def test_a_baseline_of_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site.json"
    baseline_at(site)
    monkeypatch.setattr(live_parts.BUNDLE.manifest, "files", {"weights.safetensors": "cd" * 32})
    with pytest.raises(BaselineError, match="learn it again"):
        watch_once(FRAMES, itertools.repeat(30), tmp_path, with_file(site))
