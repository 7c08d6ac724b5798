"""Whether a log can be trusted: what is wrong with the sensor, told from the connections alone.

Pure: knows no files and no clock of the machine. What is found of a stream does not depend on how its connections were
cut into batches.
"""

from __future__ import annotations

from zeekml.health.findings import CODES, Finding
from zeekml.health.monitor import Marks, SensorHealth

__all__ = ["CODES", "Finding", "Marks", "SensorHealth"]
