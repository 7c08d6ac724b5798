"""Made network traffic, seeded: connection logs in Zeek's and Suricata's formats with known truth.

For tests, the demo and benchmarks; it shows what the formats look like and how fast a log is read, never
how well a model detects. Patterns make tables of connections, writers turn tables into logs.
"""

from __future__ import annotations

from zeekml.simulate.patterns import PATTERNS
from zeekml.simulate.patterns.pattern import Pattern
from zeekml.simulate.scenario import Scenario, simulate
from zeekml.simulate.table import Connections
from zeekml.simulate.write import FORMATS, LogFormat, write_traffic
from zeekml.simulate.zeek_tsv import TsvStyle

__all__ = [
    "FORMATS",
    "PATTERNS",
    "Connections",
    "LogFormat",
    "Pattern",
    "Scenario",
    "TsvStyle",
    "simulate",
    "write_traffic",
]
