"""Follows live connection logs: every whole line once and in order, whatever becomes of the files."""

from zeekml.sensor.archives import Archive
from zeekml.sensor.follow import LogFollower
from zeekml.sensor.logs import FollowedLogs
from zeekml.sensor.position import Position
from zeekml.sensor.wake import Wake

__all__ = ["Archive", "FollowedLogs", "LogFollower", "Position", "Wake"]
