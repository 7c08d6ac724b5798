"""The log that tests follow; followers let go of their files after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.sensor import following, several
from tests.sensor.following import Following

Between: TypeAlias = Callable[[Following], None]


@pytest.fixture(autouse=True)
def closed_followers() -> Iterator[None]:
    """Close every follower that a test left open."""
    yield
    for one in following.OPEN:
        one.follower.close()
    following.OPEN.clear()
    for logs in several.OPEN:
        logs.close()
    several.OPEN.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is, or will be."""
    return tmp_path / "conn.log"


@pytest.fixture(params=["held", "restarted"])
def between(request: pytest.FixtureRequest) -> Between:
    """What becomes of the follower while the files change: it holds its file open, or it is down."""

    def restarted(following: Following) -> None:
        following.restart()

    def held(following: Following) -> None:
        assert following.follower

    return restarted if request.param == "restarted" else held
