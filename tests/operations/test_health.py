"""Health: starting, stuck, full."""

from __future__ import annotations

from pathlib import Path

from tests.operations.steps import Clock
from zeekml.operations import Health, Telemetry


def test_a_watch_that_turns_and_has_room_is_well(tmp_path: Path) -> None:
    telemetry = Telemetry("m")
    telemetry.ready = True
    assert Health(telemetry, [tmp_path], min_free=1).problems() == []


def test_before_the_logs_are_followed_it_is_starting() -> None:
    (problem,) = Health(Telemetry("m")).problems()
    assert problem.startswith("starting")


def test_a_loop_that_has_not_turned_is_told_until_it_turns() -> None:
    clock = Clock()
    telemetry = Telemetry("m", clock=clock)
    telemetry.ready = True
    health = Health(telemetry, stuck_after=30)
    clock.now += 31
    (problem,) = health.problems()
    assert "31 s" in problem
    telemetry.turned()
    assert health.problems() == []


def test_a_full_disk_is_told_with_its_folder() -> None:
    telemetry = Telemetry("m")
    telemetry.ready = True
    room = {Path("/out"): 1 << 20, Path("/state"): 1 << 40}
    health = Health(telemetry, list(room), min_free=64 << 20, free=room.__getitem__)
    (problem,) = health.problems()
    assert problem.startswith("/out: the disk is full: 1 MiB are left")
    room[Path("/out")] = 1 << 40
    assert health.problems() == []


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    telemetry = Telemetry("m")
    telemetry.ready = True
    (problem,) = Health(telemetry, [tmp_path / "gone"]).problems()
    assert "gone: cannot be looked at" in problem


def test_an_output_that_cannot_be_written_is_told() -> None:
    telemetry = Telemetry("m")
    telemetry.ready = True
    telemetry.output("/out/notice.log cannot be written: the disk is full")
    assert Health(telemetry).problems() == ["/out/notice.log cannot be written: the disk is full"]
