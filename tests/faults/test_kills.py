"""The short form of the fault campaign; ``python -m tests.faults`` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.faults.campaign import Campaign


def test_killed_at_any_moment_every_connection_is_written_once(tmp_path: Path) -> None:
    result = Campaign(tmp_path, seed=8).run(kills=4)
    assert result.problems == []
    assert result.kills.total() == 4
    assert result.rotations
    assert result.connections > 100
    assert result.notices
