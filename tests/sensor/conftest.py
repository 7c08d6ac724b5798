"""Followers let go of their files after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sensor import following


@pytest.fixture(autouse=True)
def closed_followers() -> Iterator[None]:
    """Close every follower that a test left open."""
    yield
    for one in following.OPEN:
        one.follower.close()
    following.OPEN.clear()
