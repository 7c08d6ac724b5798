"""The end of the process without Python's orderly end."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from zeekml.cli.exit_codes import ExitCode

_may = False


def leave_when_done() -> None:
    """A command has done all that it does, and holds nothing that wants an orderly end.

    Taking apart what scoring loads takes as long as loading a third of it. ``main`` leaves at once then, if it has the
    process to itself.
    """
    global _may  # noqa: PLW0603 - one process, one end
    _may = True


def leaves_at_once() -> bool:
    """Whether a command said so."""
    return _may


def leave_at_once(code: ExitCode) -> NoReturn:
    """End the process now. Whatever it wrote must have been committed before; what it says is flushed here."""
    import logging

    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
