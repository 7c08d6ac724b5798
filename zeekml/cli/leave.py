"""The end of the process without Python's orderly end."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from zeekml.cli.exit_codes import ExitCode


def leave_at_once(code: ExitCode) -> NoReturn:
    """End the process now. Whatever it wrote must have been committed before; what it says is flushed here."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
