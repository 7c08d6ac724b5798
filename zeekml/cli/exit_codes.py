"""The exit codes of every zeekml command; docs/commands.md has the same table for people."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from zeekml.errors import ConfigError, InputError, ModelError, OutputError, StateError, ZeekMLError


class ExitCode(IntEnum):
    """What a zeekml process says with its exit code."""

    OK = 0
    """Everything was done; with ``--fail-on-alert``: and nothing alerted."""
    UNEXPECTED = 1
    """An error that zeekml did not foresee: a bug, please report it with its traceback."""
    USAGE = 2
    """The command line is wrong."""
    ALERTS = 3
    """``--fail-on-alert`` was given and a notice was written."""
    INPUT = 4
    """A log could not be read; whatever else could be read was scored."""
    MODEL = 5
    """The model is damaged, absent, or made for another feature layout; or a fine-tuned one has forgotten too much."""
    CONFIG = 6
    """A setting or a recipe is wrong."""
    OUTPUT = 7
    """A result could not be written."""
    STATE = 8
    """What zeekml remembers between runs is damaged, was made with another model, or is in use."""
    UNHEALTHY = 9
    """``zeekml status``: no watch runs, or it is not well; ``zeekml doctor``: something is to be put right."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C, SIGTERM or SIGHUP; nothing was left behind."""


class Interrupted(SystemExit):
    """Stopped by a signal after the command itself has said what is left."""

    def __init__(self) -> None:
        super().__init__(ExitCode.INTERRUPTED)


_CODES: Final[tuple[tuple[type[ZeekMLError], ExitCode], ...]] = (
    (InputError, ExitCode.INPUT),
    (ModelError, ExitCode.MODEL),
    (ConfigError, ExitCode.CONFIG),
    (OutputError, ExitCode.OUTPUT),
    (StateError, ExitCode.STATE),
)


def exit_code(error: ZeekMLError) -> ExitCode:
    """The exit code that stands for this error."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ExitCode.UNEXPECTED
