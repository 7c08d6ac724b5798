"""Connection logs in, batches out: one reader per format behind one interface.

``discover`` finds the logs and says which of them continue each other; ``read_batches`` reads one of them.
"""

from zeekml.records.discover import Discovery, Stream, discover
from zeekml.records.reader import BATCH_ROWS, Batch, LogFile, read_batches
from zeekml.records.rejects import Reject, Rejects
from zeekml.records.schema import COLUMNS, NAMES, REQUIRED, Column

__all__ = [
    "BATCH_ROWS",
    "COLUMNS",
    "NAMES",
    "REQUIRED",
    "Batch",
    "Column",
    "Discovery",
    "LogFile",
    "Reject",
    "Rejects",
    "Stream",
    "discover",
    "read_batches",
]
