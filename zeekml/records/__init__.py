"""Connection logs in, batches out: one reader per format behind one interface.

``discover`` finds the logs and says which of them continue each other; ``read_batches`` reads one of them, and
``read_logs`` all of them whole.
"""

from zeekml.records.discover import Discovery, Stream, discover
from zeekml.records.reader import BATCH_ROWS, Batch, LogFile, read_batches
from zeekml.records.rejects import Reject, Rejects
from zeekml.records.schema import COLUMNS, NAMES, REQUIRED, Column
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
