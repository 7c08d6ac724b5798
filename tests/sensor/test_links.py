"""Logs behind links whose next file is begun before the link is switched to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sensor import outsiders
from tests.sensor.following import Following
from tests.sensor.zeek_writer import ZeekWriter


class Days:
    """``current`` leads to the folder of a day, or ``conn.log`` to the file of a day."""

    def __init__(self, folder: Path, *, folders: bool) -> None:
        self._folder = folder
        self._folders = folders
        self.path = folder / "current" / "conn.log" if folders else folder / "conn.log"
        self.writers: dict[int, ZeekWriter] = {}

    def begin(self, day: int, *numbers: int) -> None:
        """Write the first lines of a day."""
        name = f"2026-11-{day}/conn.log" if self._folders else f"conn.2026-11-{day}.log"
        place = self._folder / name
        place.parent.mkdir(exist_ok=True)
        self.writers[day] = ZeekWriter(place)
        self.writers[day].write(*numbers)

    def switch(self, day: int) -> None:
        """Let the link lead to a day."""
        place = self.writers[day].path
        outsiders.switch(
            self.path.parent if self._folders else self.path,
            Path(place.parent.name if self._folders else place.name),
        )


@pytest.fixture(params=[True, False], ids=["folder", "file"])
def days(tmp_path: Path, request: pytest.FixtureRequest) -> Days:
    days = Days(tmp_path, folders=request.param)
    days.begin(16, 0, 1)
    days.switch(16)
    return days


def test_the_live_log_is_not_passed_over_for_the_next_one_that_was_begun_already(days: Days) -> None:
    following = Following(days.path)
    assert following.drain() == [0, 1]
    following.stop()
    days.writers[16].close()
    days.begin(17, 2, 3)
    days.switch(17)
    days.begin(18, 6)  # the link still leads to the 17th
    following.restart()
    assert following.drain() == [2, 3]
    days.writers[17].write(4, 5)
    assert following.drain() == [4, 5]
    days.writers[17].close()
    days.switch(18)
    assert following.drain() == [6]


def test_from_its_start_the_live_log_comes_before_the_next_one_that_was_begun_already(days: Days) -> None:
    days.begin(17, 2)
    following = Following(days.path)
    assert following.drain() == [0, 1]
    following.restart()
    days.writers[16].close()
    days.switch(17)
    assert following.drain() == [2]
