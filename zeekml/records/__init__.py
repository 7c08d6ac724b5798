"""Connection logs in, batches out: one reader per format behind one interface.

``discover`` finds the logs and says which of them continue each other; ``read_batches`` reads one of them, and
``read_logs`` all of them whole. What brings pandas loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from zeekml.records.discover import Discovery, Stream, discover
from zeekml.records.reader import BATCH_ROWS, Batch, LogFile, read_batches
from zeekml.records.rejects import Reject, Rejects
from zeekml.records.schema import COLUMNS, NAMES, REQUIRED, Column

if TYPE_CHECKING:
    from zeekml.records.whole import Log, join, read_logs

__all__ = [
    "BATCH_ROWS",
    "COLUMNS",
    "NAMES",
    "REQUIRED",
    "Batch",
    "Column",
    "Discovery",
    "Log",
    "LogFile",
    "Reject",
    "Rejects",
    "Stream",
    "discover",
    "join",
    "read_batches",
    "read_logs",
]

_WHOLE = ("Log", "join", "read_logs")


if not TYPE_CHECKING:  # a type checker reads the imports above, and must not believe any name

    def __getattr__(name: str) -> object:
        """Loads what is kept apart at its first use (PEP 562)."""
        if name not in _WHOLE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("zeekml.records.whole"), name)
